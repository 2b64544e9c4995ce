import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { childProgram } from '../../../../tooling/child-program.js'
import { redisStateStore } from './redis-state-store.js'

const operation = { signal: new AbortController().signal }
const program = join(import.meta.dirname, 'testing', 'rival.child.ts')

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
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
  readonly #file: string
  complained = ''

  constructor(folder: string, url: string, last: number) {
    this.#file = `${folder}/${randomUUID()}`
    // Unlike a pipe a file takes everything, at once.
    const out = openSync(this.#file, 'a')
    const all = ['--unhandled-rejections=strict', childProgram(program), url, String(last)]
    const child = spawn(process.execPath, all, { stdio: ['ignore', out, 'pipe'] })
    closeSync(out)
    this.child = child
    child.stderr?.on('data', (chunk: Buffer) => {
      this.complained += chunk.toString()
    })
    this.ended = new Promise((resolve) => child.on('close', resolve))
  }

  get said(): readonly Said[] {
    const lines = readFileSync(this.#file, 'utf8').split('\n')
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Said)
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

describeRedis('state that several processes want', () => {
  const database = useRedis()
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'drover-rivals-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('loses no commit, and none is made twice, though they are killed and put to sleep at any time', {
    timeout: 60_000,
  }, async () => {
    const seed = Number(process.env.DROVER_SEED ?? Date.now() % 1_000_000)
    const next = random(seed)
    const last = 100
    await using store = redisStateStore({ connection: database.url })
    const rivals = Array.from({ length: 3 }, () => new Rival(folder, database.url, last))
    const working = new Set(rivals)
    const follow = (each: Rival): void => void each.ended.then(() => working.delete(each))
    for (const each of rivals) follow(each)

    let [kills, stops] = [0, 0]
    while (working.size > 0) {
      await wait(15 + next() * 40)
      const [lease] = (await store.load('shared', operation))?.leases ?? []
      const victim = [...working].find(({ child }) => lease?.holder.includes(`:${child.pid}:`))
      if (victim === undefined) continue
      if (kills === 0 || (next() < 0.2 && kills < 2 && stops > 2)) {
        kills++
        victim.child.kill('SIGKILL')
        const another = new Rival(folder, database.url, last)
        rivals.push(another)
        working.add(another)
        follow(another)
      } else {
        stops++
        victim.child.kill('SIGSTOP')
        void wait(150 + next() * 200).then(() => victim.child.kill('SIGCONT'))
      }
    }
    const codes = await Promise.all(rivals.map(({ ended }) => ended))
    const complaints = rivals.map(({ complained }) => complained).join('')
    expect(
      codes.filter((code) => code !== null && code !== 0),
      complaints,
    ).toEqual([])

    const said = rivals.flatMap((each) => each.said)
    const refused = said.filter((event) => event.lost).length
    const what = `seed ${seed}, ${kills} kills, ${refused} sleepers refused`
    expect(new Set(said.flatMap((event) => event.run ?? [])).size, what).toBe(1)

    // Back from the position that stands to the start: every commit that was acknowledged lies on that way.
    const tries = new Map(said.filter((event) => event.tries !== undefined).map((event) => [event.cursor, event]))
    const state = await store.load('shared', operation)
    expect(state?.positions[0]?.sequence, what).toBe(last)
    const history = new Map<string, number>()
    for (let cursor = state?.positions[0]?.cursor as string, at = last; cursor !== 'start'; at--) {
      const tried = tries.get(cursor)
      expect(tried?.tries, what).toBe(at)
      history.set(cursor, at)
      cursor = tried?.before as string
    }
    expect(history.size, what).toBe(last)
    for (const { cursor, committed } of said.filter((event) => event.committed !== undefined))
      expect(history.get(cursor as string), what).toBe(committed)
    expect(Math.min(kills, refused), what).toBeGreaterThan(0)
  })
})
