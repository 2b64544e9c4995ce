import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { RunState, StateStore } from '../contracts/state-store.js'
import { DroverError } from '../errors/drover-error.js'
import { directoryStateStore } from './directory-state-store.js'
import { inTurns } from './testing/turns.js'

// What an earlier file of the same process loaded has its own of these functions.
vi.hoisted(() => vi.resetModules())
vi.mock('node:fs/promises', async (original) => {
  const { inTurn } = await import('./testing/turns.js')
  return inTurn(await original<typeof import('node:fs/promises')>())
})

const operation = { signal: new AbortController().signal }
const partition = { id: 'all', bounds: null }
const further = 3

let root: string
beforeAll(async () => {
  root = await mkdtemp(`${tmpdir()}/drover-pruning-`)
})
afterAll(async () => {
  vi.resetModules()
  await rm(root, { recursive: true })
})

/** A name whose first run is completed, or open, in a directory of its own; as few runs are kept as can be. */
class Herd {
  constructor(readonly directory: string) {}

  static async begun(isCompleted: boolean): Promise<Herd> {
    const herd = new Herd(await mkdtemp(`${root}/`))
    const first = await herd.begin(herd.store(), 1)
    if (isCompleted) await herd.store().settle(first.run, { outcome: 'completed' }, operation)
    return herd
  }

  /** As another process. */
  store(): StateStore {
    return directoryStateStore({ directory: this.directory, keepRuns: 1 })
  }

  async begin(at: StateStore, number: number): Promise<RunState> {
    const follows = (await at.load('copy', operation))?.run ?? null
    const fingerprint = { number }
    return await at.open({ name: 'copy', fingerprint, partitions: [partition], follows }, operation)
  }

  /** Completes the newest run, and further ones behind it. */
  async goOn(): Promise<void> {
    const at = this.store()
    const first = (await at.load('copy', operation)) as RunState
    if (first.status === 'open') await at.settle(first.run, { outcome: 'completed' }, operation)
    for (let number = 2; number <= 1 + further; number++) {
      const run = await this.begin(at, number)
      await at.settle(run.run, { outcome: 'completed' }, operation)
    }
  }

  /** Numbers of the runs that are there, by their files. */
  async numbers(): Promise<number[]> {
    const path = `${this.directory}/runs/copy`
    const numbers = (await readdir(path)).map(async (name) => {
      const stored: RunState = JSON.parse(await readFile(`${path}/${name}/run.json`, 'utf8'))
      return numberOf(stored)
    })
    return (await Promise.all(numbers)).sort((a, b) => a - b)
  }
}

function numberOf({ fingerprint }: Pick<RunState, 'fingerprint'>): number {
  return (fingerprint as { readonly number: number }).number
}

/** Has somebody pause at every one of his steps, while others complete run after run, and go on then. */
async function pausedEverywhere(isCompleted: boolean, slow: (herd: Herd) => () => Promise<void>): Promise<number> {
  const held = isCompleted ? 0 : 1
  for (let pause = 0; ; pause++) {
    const herd = await Herd.begun(isCompleted)
    const [actor] = await inTurns({ slow: slow(herd), others: () => herd.goOn() }, (waiting) => {
      const [one, ...others] = waiting
      if (one?.name !== 'slow') return one
      return one.steps < pause ? one : (others[0] ?? one)
    })
    // What is left is in order, whoever looks: the newest run, the one before it, and one that was held.
    expect(numberOf((await herd.store().load('copy', operation)) as RunState), `paused at ${pause}`).toBe(1 + further)
    const numbers = await herd.numbers()
    expect(numbers.at(-1), `paused at ${pause}`).toBe(1 + further)
    expect(
      numbers.filter((number) => number !== held && number < further),
      `paused at ${pause}`,
    ).toEqual([])
    await expect(herd.store().control('no run', { state: 'run' }, operation)).rejects.toMatchObject({
      message: expect.stringContaining('There is no run no run'),
    })
    if ((actor?.steps ?? 0) <= pause) return pause
  }
}

test('who reads while runs are pruned sees a whole one, and none that was completed as open', async () => {
  const pauses = await pausedEverywhere(true, (herd) => async () => {
    const state = await herd.store().load('copy', operation)
    expect(state).toMatchObject(numberOf(state as RunState) === 1 ? { status: 'completed' } : {})
  })
  expect(pauses).toBeGreaterThan(4)
})

test('who begins a run too late gets the newest, and leaves none behind', async () => {
  const pauses = await pausedEverywhere(true, (herd) => async () => {
    const at = herd.store()
    const first = await at.load('copy', operation)
    if (first === null || numberOf(first) > 1) return
    const wanted = { name: 'copy', fingerprint: { number: 2 }, partitions: [partition], follows: first.run }
    const state = await at.open(wanted, operation)
    expect(numberOf(state)).toBeGreaterThan(1)
  })
  expect(pauses).toBeGreaterThan(10)
})

test('who takes a run too late is told, and brings nothing back', async () => {
  const pauses = await pausedEverywhere(false, (herd) => async () => {
    const at = herd.store()
    const first = await at.load('copy', operation)
    if (first === null || numberOf(first) > 1) return
    const want = { run: first.run, partition, holder: 'slow', ttlMs: 1000 }
    try {
      await at.acquire(want, operation)
    } catch (error) {
      if (!DroverError.isInstance(error, 'STATE_INVALID')) throw error
    }
  })
  expect(pauses).toBeGreaterThan(10)
})
