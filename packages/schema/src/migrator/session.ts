import { setTimeout as wait } from 'node:timers/promises'
import { DroverError, type Held, type Logger, type Operation } from '@drover/core'
import type { SchemaConnection, SchemaDatabase } from '../contracts/database.js'
import type { Claimed, Journal, ReadRows } from '../journal/journal.js'
import { lockedByOthers, SchemaLease } from '../lock/schema-lease.js'
import type { Recordings } from './recordings.js'

/** What all that a migrator does is done with. */
export interface Tools {
  readonly database: SchemaDatabase
  readonly journal: Journal
  readonly recordings: Recordings
  /** The run of the lease. */
  readonly leaseName: string
  readonly leaseMs: number
  readonly actor: string
  /** Where backups go. */
  readonly backups?: string
  /** A file of recordBaseline, for verify. */
  readonly baseline?: string
  readonly logger?: Logger
}

/** The right to migrate, and a connection to do it on. */
export interface Session extends Tools, Operation {
  readonly connection: SchemaConnection
  readonly claimed: Claimed
  readonly read: ReadRows
}

/** Between two looks whether the lease is free. */
const pollMs = 200
const shortestIdleMs = 1_000

/**
 * Runs `work` as the only one that migrates the database. Its signal is aborted when the lease is lost.
 *
 * @returns Who has the lease, if somebody else does.
 */
export async function tryWorking<T>(
  tools: Tools,
  { signal }: Operation,
  work: (session: Session) => Promise<T>,
): Promise<{ readonly value: T } | Held> {
  const { database, journal, leaseName: name, leaseMs: ttlMs, logger } = tools
  const terms = { state: database.state, name, ttlMs, ...(logger === undefined ? {} : { logger }) }
  const taken = await SchemaLease.take(terms, { signal })
  if ('heldBy' in taken) return taken
  await using lease = taken
  const both = AbortSignal.any([signal, lease.signal])
  try {
    // Longer than the lease nobody has to wait for one that sleeps with the journal locked.
    await using connection = await database.connect({ signal: both, idleTimeoutMs: Math.max(ttlMs, shortestIdleMs) })
    lease.onBeat = () => connection.keepAlive?.()
    try {
      await journal.claim(connection, lease.claimed)
    } catch (error) {
      if (DroverError.isInstance(error, 'STORE_BUSY') && error.isRetryable) return lockedByOthers()
      throw error
    }
    const read: ReadRows = (sql, values) => connection.query(sql, values)
    return { value: await work({ ...tools, signal: both, connection, claimed: lease.claimed, read }) }
  } catch (error) {
    // What a statement that was given up fails with says less than why.
    if (lease.signal.aborted && !signal.aborted) throw lease.signal.reason
    throw error
  }
}

/** As {@link tryWorking}, and fails at once if somebody else works. @throws `RUN_HELD` */
export async function working<T>(
  tools: Tools,
  operation: Operation,
  doing: string,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const answer = await tryWorking(tools, operation, work)
  if ('value' in answer) return answer.value
  throw held(answer, tools, doing)
}

export function held({ heldBy }: Held, { database }: Tools, doing = 'ensure'): DroverError {
  return new DroverError(
    'RUN_HELD',
    `${doing}: ${heldBy} migrates ${database.name} just now. Wait until it has ended, and call again.`,
  )
}

/** Waits a moment, at most until the lease of the other one ends. */
export async function waitFor(held: Held, signal: AbortSignal): Promise<void> {
  const left = held.expiresAt.getTime() - Date.now()
  try {
    await wait(left > 0 ? Math.max(10, Math.min(pollMs, left)) : pollMs, undefined, { signal })
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
}
