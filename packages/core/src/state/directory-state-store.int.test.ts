import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import type { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { directoryStateStore } from './directory-state-store.js'

const operation = { signal: new AbortController().signal }
const rival = fileURLToPath(new URL('./testing/rival.ts', import.meta.url))
const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(`${tmpdir()}/drover-state-`)
})
afterEach(() => rm(directory, { recursive: true }))

interface Said {
  readonly run?: string
  readonly tries?: number
  readonly before?: string
  readonly committed?: number
  readonly cursor?: string
  readonly lost?: number
}

/** A process, and all it said. */
class Rival {
  readonly said: Said[] = []
  readonly ended: Promise<number | null>
  readonly #process: ChildProcessByStdio<null, Readable, Readable>
  #complained = ''

  constructor(last: number) {
    this.#process = spawn(process.execPath, ['--import', loader, rival, directory, String(last)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let text = ''
    this.#process.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const lines = text.split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) this.said.push(JSON.parse(line))
    })
    this.#process.stderr.on('data', (chunk: Buffer) => {
      this.#complained += chunk.toString()
    })
    this.ended = new Promise((resolve) => this.#process.on('close', (code) => resolve(code)))
  }

  get complained(): string {
    return this.#complained
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name)
  }
}

/** Not the test's clock, but a seed: what failed can be run again. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

test('processes that are killed and paused at any time lose no commit and make none twice', {
  timeout: 120_000,
}, async () => {
  const seed = Number(process.env.DROVER_SEED ?? Date.now() % 1_000_000)
  const next = random(seed)
  const last = 400
  const rivals = Array.from({ length: 4 }, () => new Rival(last))
  const working = new Set(rivals)
  const follow = (each: Rival): void => void each.ended.then(() => working.delete(each))
  for (const each of rivals) follow(each)

  let kills = 0
  while (working.size > 0) {
    await wait(20 + next() * 60)
    const victim = [...working][Math.floor(next() * working.size)]
    if (victim === undefined || victim.said.length === 0) continue
    if (kills === 0 || (next() < 0.3 && kills < 12)) {
      kills++
      victim.signal('SIGKILL')
      const another = new Rival(last)
      rivals.push(another)
      working.add(another)
      follow(another)
    } else if (next() < 0.5) {
      victim.signal('SIGSTOP')
      void wait(100 + next() * 300).then(() => victim.signal('SIGCONT'))
    }
  }
  const codes = await Promise.all(rivals.map((each) => each.ended))
  expect(
    codes.filter((code) => code !== null && code !== 0),
    rivals.map((each) => each.complained).join(''),
  ).toEqual([])

  const said = rivals.flatMap((each) => each.said)
  const what = `seed ${seed}, ${kills} kills, ${said.filter((event) => event.lost).length} zombies refused`
  expect(new Set(said.flatMap((event) => event.run ?? [])).size, what).toBe(1)

  // Back from the position that stands to the start: every commit that was acknowledged lies on that way.
  const tries = new Map(said.filter((event) => event.tries !== undefined).map((event) => [event.cursor, event]))
  const state = await directoryStateStore({ directory }).load('shared', operation)
  expect(state?.positions[0]?.sequence, what).toBe(last)
  const history = new Map<string, number>()
  for (let cursor = state?.positions[0]?.cursor as string, at = last; cursor !== 'start'; at--) {
    const tried = tries.get(cursor)
    expect(tried?.tries, what).toBe(at)
    history.set(cursor, at)
    cursor = tried?.before as string
  }
  expect(history.size, what).toBe(last)
  const acknowledged = said.filter((event) => event.committed !== undefined)
  for (const { cursor, committed } of acknowledged) expect(history.get(cursor as string), what).toBe(committed)
  expect(kills, what).toBeGreaterThan(0)
})
