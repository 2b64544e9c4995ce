import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Lease, RunState, StateStore } from '../contracts/state-store.js'
import { DroverError } from '../errors/drover-error.js'
import { directoryStateStore } from './directory-state-store.js'
import { type Actor, inTurns } from './testing/turns.js'

// What an earlier file of the same process loaded has its own of these functions.
vi.hoisted(() => vi.resetModules())
vi.mock('node:fs/promises', async (original) => {
  const { inTurn } = await import('./testing/turns.js')
  return inTurn(await original<typeof import('node:fs/promises')>())
})

const operation = { signal: new AbortController().signal }
const partition = { id: 'all', bounds: null }
const counts = { read: 1, written: 1, filtered: 0, rejected: 0, emitted: 1, inserted: 1, updated: 0, skipped: 0 }

let root: string

/** A run, and what its processes did. */
class Trial {
  now = 1_000_000
  /** Every commit that was tried, by its cursor. */
  readonly tried = new Map<string, { readonly sequence: number; readonly before: string }>()
  readonly acknowledged: string[] = []
  run = ''

  constructor(readonly directory: string) {}

  /** As another process. */
  store(): StateStore {
    return directoryStateStore({ directory: this.directory, clock: () => this.now })
  }

  /** The same run as it stands, in a folder of its own. */
  async copy(directory: string): Promise<Trial> {
    await cp(this.directory, directory, { recursive: true })
    const trial = new Trial(directory)
    trial.run = this.run
    for (const [cursor, tried] of this.tried) trial.tried.set(cursor, tried)
    trial.acknowledged.push(...this.acknowledged)
    return trial
  }

  async acquire(store: StateStore, holder: string): Promise<Lease | null> {
    const answer = await store.acquire({ run: this.run, partition, holder, ttlMs: 1000 }, operation)
    return 'heldBy' in answer ? null : answer
  }

  /** Commits what comes after `position`, or after what the lease says; null if it was refused. */
  async commit(store: StateStore, lease: Lease, position = lease.position): Promise<Lease['position']> {
    const before = (position?.cursor as string | undefined) ?? 'start'
    const sequence = (position?.sequence ?? 0) + 1
    const cursor = `${lease.holder} ${sequence} ${this.tried.size}`
    this.tried.set(cursor, { sequence, before })
    const commit = { run: this.run, partition, fence: lease.fence, sequence, cursor, done: false, counts }
    try {
      await store.commit(commit, operation)
    } catch (error) {
      if (DroverError.isInstance(error, 'FENCED')) return null
      throw error
    }
    this.acknowledged.push(cursor)
    return commit
  }

  /** Every acknowledged commit lies on the way from the start to what stands. @returns how many commits that way has */
  async check(what: string): Promise<number> {
    const state = (await this.store().load('copy', operation)) as RunState
    const way: string[] = []
    for (let at = state.positions[0]?.cursor as string | undefined; at !== undefined && at !== 'start'; ) {
      way.push(at)
      const tried = this.tried.get(at)
      expect(tried, `${what}: a commit that nobody made`).toBeDefined()
      at = tried?.before
    }
    expect(way.length, what).toBe(state.positions[0]?.sequence ?? 0)
    expect(way, what).toEqual(expect.arrayContaining(this.acknowledged))
    return way.length
  }
}

let template: { readonly trial: Trial; readonly old: Lease }
let trials = 0

beforeAll(async () => {
  root = await mkdtemp(`${tmpdir()}/drover-turns-`)
  const trial = new Trial(`${root}/template`)
  await using store = trial.store()
  const run = await store.open({ name: 'copy', fingerprint: null, partitions: [partition], follows: null }, operation)
  trial.run = run.run
  const old = (await trial.acquire(store, 'first')) as Lease
  await trial.commit(store, old)
  template = { trial, old }
})
afterAll(async () => {
  vi.resetModules()
  await rm(root, { recursive: true })
})

/** A run with one commit, under a lease that is about to end. */
async function begun(): Promise<{ readonly trial: Trial; readonly old: Lease }> {
  return { trial: await template.trial.copy(`${root}/${++trials}`), old: template.old }
}

/** `first` until it stands before its step number `at`, then the other to its end, then `first` if it is not `killed`. */
function pausing(first: string, at: number, killed: boolean): (waiting: readonly Actor[]) => Actor | undefined {
  return (waiting) => {
    const paused = waiting.find((actor) => actor.name === first && actor.steps < at - 1)
    return paused ?? waiting.find((actor) => actor.name !== first) ?? (killed ? undefined : waiting[0])
  }
}

/** Another order every time, which the seed in the message brings back. */
function seeded(): { readonly seed: number; readonly random: () => number } {
  const seed = Number(process.env.DROVER_SEED ?? Date.now() % 1_000_000)
  let state = seed
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  return { seed, random }
}

/** Whether an actor came to its end before its step number `at`. */
function hasEnded(actors: readonly Actor[], name: string, at: number): boolean {
  return actors.some((actor) => actor.name === name && actor.done && actor.steps < at)
}

/** For each step that `first` makes: how it goes when it is paused, or killed, before that step. */
async function atEveryStep(
  first: string,
  killed: boolean,
  works: (trial: Trial, old: Lease) => Readonly<Record<string, () => Promise<void>>>,
): Promise<number> {
  for (let at = 1; ; at++) {
    const { trial, old } = await begun()
    const actors = await inTurns(works(trial, old), pausing(first, at, killed))
    await trial.check(`${first} ${killed ? 'killed' : 'paused'} before its step ${at}`)
    if (hasEnded(actors, first, at)) return at - 1
  }
}

const commits = (trial: Trial, old: Lease) => async (): Promise<void> => {
  await using store = trial.store()
  const position = (await store.load('copy', operation))?.positions[0] ?? null
  await trial.commit(store, old, position)
}

const takesOver = (trial: Trial, holder: string) => async (): Promise<void> => {
  trial.now += 2000
  await using store = trial.store()
  const lease = await trial.acquire(store, holder)
  if (lease === null) return
  const next = await trial.commit(store, lease)
  if (next !== null) await trial.commit(store, lease, next)
}

test.each([false, true])(
  'a commit against a take-over, at each of its steps (killed: %s)',
  { timeout: 120_000 },
  async (killed) => {
    const steps = await atEveryStep('commit', killed, (trial, old) => ({
      commit: commits(trial, old),
      takeOver: takesOver(trial, 'second'),
    }))
    expect(steps).toBeGreaterThan(10)
  },
)

test.each([false, true])(
  'a take-over against a commit, at each of its steps (killed: %s)',
  { timeout: 120_000 },
  async (killed) => {
    const steps = await atEveryStep('takeOver', killed, (trial, old) => ({
      commit: commits(trial, old),
      takeOver: takesOver(trial, 'second'),
    }))
    expect(steps).toBeGreaterThan(20)
  },
)

test.each([false, true])(
  'a take-over against another, at each of its steps (killed: %s)',
  { timeout: 120_000 },
  async (killed) => {
    const steps = await atEveryStep('second', killed, (trial) => ({
      second: takesOver(trial, 'second'),
      third: takesOver(trial, 'third'),
    }))
    expect(steps).toBeGreaterThan(20)
  },
)

test('who looks sees where it stands, at each step of a take-over', { timeout: 120_000 }, async () => {
  const seen = new Set<number | undefined>()
  const looks = (trial: Trial) => async (): Promise<void> => {
    seen.add((await trial.store().load('copy', operation))?.positions[0]?.sequence)
  }
  await atEveryStep('looks', false, (trial) => ({ looks: looks(trial), takeOver: takesOver(trial, 'second') }))
  await atEveryStep('takeOver', false, (trial) => ({ looks: looks(trial), takeOver: takesOver(trial, 'second') }))
  expect([...seen].sort()).toEqual([1, 2, 3])
})

test('a run is opened once, whoever is paused or killed at any step', { timeout: 120_000 }, async () => {
  for (const killed of [false, true]) {
    for (let at = 1, ended = false; !ended; at++) {
      const directory = `${root}/${++trials}`
      const runs: string[] = []
      const opens = async (): Promise<void> => {
        const store = directoryStateStore({ directory })
        await store.setup?.(operation)
        runs.push((await store.open({ name: 'n', fingerprint: null, partitions: [], follows: null }, operation)).run)
      }
      ended = hasEnded(await inTurns({ a: opens, b: opens }, pausing('a', at, killed)), 'a', at)
      await opens()
      expect(new Set(runs).size, `step ${at}`).toBe(1)
    }
  }
})

test('four processes in any order, some of them killed', { timeout: 120_000 }, async () => {
  const { seed, random } = seeded()
  let longest = 0
  for (let i = 0; i < 40; i++) {
    const { trial, old } = await begun()
    const works = {
      zombie: commits(trial, old),
      second: takesOver(trial, 'second'),
      third: takesOver(trial, 'third'),
      fourth: takesOver(trial, 'fourth'),
    }
    // Some keep their turn for a while: single steps all mixed up never let anybody get far.
    let favourite = ''
    await inTurns(works, (waiting) => {
      if (random() < 0.1) favourite = waiting[Math.floor(random() * waiting.length)]?.name ?? ''
      if (random() < 0.003) return undefined
      return waiting.find((actor) => actor.name === favourite) ?? waiting[Math.floor(random() * waiting.length)]
    })
    longest = Math.max(longest, await trial.check(`seed ${seed}, trial ${i}`))
  }
  expect(longest, `seed ${seed}`).toBeGreaterThan(3)
})
