import { randomUUID } from 'node:crypto'
import { writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import type { Lease, RunState } from '../../contracts/state-store.js'
import { DroverError } from '../../errors/drover-error.js'
import { directoryStateStore } from '../directory-state-store.js'

/**
 * A process that completes runs of one name together with others that do the same, one run after the other, until number
 * `last` is complete; as few of them are kept as can be. What it sees must never go back: it exits with an error then.
 */
const [directory = '', last = '0'] = process.argv.slice(2)
const ttlMs = 120
const operation = { signal: new AbortController().signal }
const partition = { id: 'all', bounds: null }
const counts = { read: 1, written: 1, filtered: 0, rejected: 0, emitted: 1, inserted: 1, updated: 0, skipped: 0 }
const store = directoryStateStore({ directory, keepRuns: 1 })

let seen = { number: 0, isCompleted: false }
for (;;) {
  const newest = noted(await store.load('again', operation))
  if (newest?.status === 'completed' && numberOf(newest) >= Number(last)) break
  const run = newest?.status === 'open' ? newest : await begin(newest)
  try {
    await complete(run)
  } catch (error) {
    if (DroverError.isInstance(error, 'FENCED', 'LEASE_LOST')) continue
    // Others completed it, and the next one, while this one was about to: only then may it be gone.
    const now = noted(await store.load('again', operation))
    const isOver = now !== null && numberOf(now) > numberOf(run)
    if (!isOver || !DroverError.isInstance(error, 'STATE_INVALID')) throw error
  }
}

async function begin(newest: RunState | null): Promise<RunState> {
  const fingerprint = { number: newest === null ? 1 : numberOf(newest) + 1 }
  const run = await store.open(
    { name: 'again', fingerprint, partitions: [partition], follows: newest?.run ?? null },
    operation,
  )
  return noted(run) as RunState
}

async function complete({ run, ...state }: RunState): Promise<void> {
  const holder = `${hostname()}:${process.pid}:${randomUUID()}`
  const lease = await store.acquire({ run, partition, holder, ttlMs }, operation)
  if ('heldBy' in lease) return await wait(1)
  if (lease.position === null) {
    await store.commit({ run, partition, fence: lease.fence, sequence: 1, cursor: 1, done: true, counts }, operation)
    await store.settle(run, { outcome: 'completed' }, operation)
    writeSync(1, `${JSON.stringify({ completed: numberOf(state) })}\n`)
  } else {
    await store.settle(run, { outcome: 'completed' }, operation) // whoever committed was killed before it could
  }
  await store.release(lease as Lease, operation)
}

function noted(state: RunState | null): RunState | null {
  const now = { number: state === null ? 0 : numberOf(state), isCompleted: state?.status === 'completed' }
  const isBack = now.number < seen.number || (now.number === seen.number && seen.isCompleted && !now.isCompleted)
  if (isBack) throw new Error(`saw ${JSON.stringify(now)} after ${JSON.stringify(seen)}`)
  seen = now
  return state
}

function numberOf({ fingerprint }: Pick<RunState, 'fingerprint'>): number {
  return (fingerprint as { readonly number: number }).number
}
