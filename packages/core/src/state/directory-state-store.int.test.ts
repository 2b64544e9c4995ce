import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import type { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { childProgram } from '../../../../tooling/child-program.js'
import { directoryStateStore } from './directory-state-store.js'

const operation = { signal: new AbortController().signal }
const program = (name: string): string => fileURLToPath(new URL(`./testing/${name}.ts`, import.meta.url))

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
  readonly completed?: number
}

/** A process, and all it said. */
class Rival {
  readonly said: Said[] = []
  readonly ended: Promise<number | null>
  readonly #process: ChildProcessByStdio<null, Readable, Readable>
  #complained = ''

  constructor(last: number, name = 'rival') {
    this.#process = spawn(process.execPath, [childProgram(program(name)), directory, String(last)], {
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

test('processes that begin runs anew, and prune the old ones, are in nobody\u2019s way', {
  timeout: 120_000,
}, async () => {
  const seed = Number(process.env.DROVER_SEED ?? Date.now() % 1_000_000)
  const next = random(seed)
  const last = 150
  const pruners = Array.from({ length: 4 }, () => new Rival(last, 'pruner'))
  let kills = 0
  for (let isOver = false; !isOver; ) {
    const all = Promise.all(pruners.map((each) => each.ended)).then(() => true)
    isOver = await Promise.race([all, wait(100 + next() * 200).then(() => false)])
    const victim = pruners[Math.floor(next() * pruners.length)]
    if (isOver || kills === 1 || victim === undefined || victim.said.length === 0) continue
    kills++
    victim.signal('SIGKILL')
    pruners.push(new Rival(last, 'pruner'))
  }
  const codes = await Promise.all(pruners.map((each) => each.ended))
  const what = `seed ${seed}, ${kills} kills: ${pruners.map((each) => each.complained).join('')}`
  expect(
    codes.filter((code) => code !== null && code !== 0),
    what,
  ).toEqual([])
  const completed = pruners.flatMap((each) => each.said.map((event) => event.completed))
  expect(completed.length, what).toBeGreaterThan(last / 2)
  expect(new Set(completed).size, what).toBe(completed.length)
  expect(await directoryStateStore({ directory }).load('again', operation)).toMatchObject({
    status: 'completed',
    fingerprint: { number: last },
    positions: [{ sequence: 1, done: true }],
  })
  // The newest one, the one before it, one that somebody may have held when the newest was begun, one that a process was killed over.
  expect((await readdir(`${directory}/runs/again`)).length, what).toBeLessThanOrEqual(4)
})
