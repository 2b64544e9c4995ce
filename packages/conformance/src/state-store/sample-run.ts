import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Commit, Held, JsonValue, Lease, NewRun, Partition, RunState, StateStore } from '@drover/core'
import { operation } from '../support/operation.js'
import { noCounts } from '../support/sample-batch.js'

export const first: Partition = { id: 'first', bounds: { from: null, to: ['é', 7] } }
export const second: Partition = { id: 'second/ß', bounds: { from: ['é', 7], to: null }, start: [1, 'x', null] }

export const fingerprint: JsonValue = { version: null, steps: ['a@1', 'ü'], nested: { list: [1, 2.5, true, null, {}] } }

export function newRun(name: string, follows: string | null = null): NewRun {
  return { name, fingerprint, partitions: [first, second], follows }
}

export async function openRun(store: StateStore, name = 'orders', follows: string | null = null): Promise<RunState> {
  return await store.open(newRun(name, follows), operation())
}

/** Names a holder that is alive: a run of this process. */
export function holder(): string {
  return `${hostname()}:${process.pid}:${randomUUID()}`
}

interface Want {
  readonly partition?: Partition
  readonly holder?: string
  readonly ttlMs?: number
}

/** Takes a lease that nobody else has. */
export async function take(store: StateStore, run: string, want: Want = {}): Promise<Lease> {
  const answer = await ask(store, run, want)
  if ('heldBy' in answer) throw new Error(`The lease is held by ${answer.heldBy}.`)
  return answer
}

/** Asks for a lease that somebody may have. */
export async function ask(store: StateStore, run: string, want: Want = {}): Promise<Lease | Held> {
  const { partition = first, holder: as = holder(), ttlMs = 60_000 } = want
  return await store.acquire({ run, partition, holder: as, ttlMs }, operation())
}

/** The commit that follows a lease's position, or the one given. */
export function nextCommit(lease: Lease, changes: Partial<Commit> = {}): Commit {
  const { run, partition, fence, position } = lease
  const counts = position?.counts ?? noCounts
  return {
    run,
    partition,
    fence,
    sequence: (position?.sequence ?? 0) + 1,
    cursor: { at: [fence, 'ü', null, 1.5] },
    done: false,
    counts: {
      ...counts,
      read: counts.read + 5,
      written: counts.written + 5,
      emitted: counts.emitted + 5,
      inserted: counts.inserted + 5,
    },
    ...changes,
  }
}

/** Waits until a lease has run out, by the clock. */
export async function untilExpired(lease: Pick<Lease, 'expiresAt'>): Promise<void> {
  const left = lease.expiresAt.getTime() - Date.now()
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, left) + 20))
}
