import { DroverError } from '@drover/core'
import type { Knex } from 'knex'
import type { SqliteDriver } from './sqlite-connection.js'
import type { SqliteHandle } from './sqlite-handle.js'

/**
 * Refuses what is no knex instance of SQLite.
 *
 * @throws `OPTION_INVALID`
 */
export function checkKnex(where: string, given: unknown): void {
  const shared = given as {
    readonly client?: Knex['client']
    readonly isTransaction?: unknown
    readonly prepare?: unknown
  }
  if (typeof given === 'function' && shared.client) {
    if (shared.isTransaction) {
      throw new DroverError(
        'OPTION_INVALID',
        `${where}: knex is a transaction; give the knex instance that it was made from.`,
      )
    }
    const { dialect } = shared.client as { readonly dialect?: unknown }
    if (dialect === 'sqlite3') return
    throw new DroverError('OPTION_INVALID', `${where}: knex is an instance for "${String(dialect)}", not for SQLite.`)
  }
  if (typeof shared?.prepare === 'function') {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: a bare handle of a driver is refused, because the application's own statements on it would land in Drover's ` +
        'transactions. Give its filename, or a knex instance.',
    )
  }
  throw new DroverError('OPTION_INVALID', `${where}: knex is not a knex instance.`)
}

/** Connections to databases in memory that are lent to us. */
const leases = new WeakMap<Knex, Lease>()

/** The file of the instance's database; null if it is in memory, where a second connection would see another one. */
export async function fileOf(knex: Knex): Promise<string | null> {
  if (leases.has(knex)) return null
  const rows: readonly { readonly file: string | null }[] = await knex.raw(
    `SELECT file FROM pragma_database_list WHERE name = 'main'`,
  )
  return rows[0]?.file || null
}

export function driverOf(knex: Knex): SqliteDriver {
  return knex.client.driverName === 'better-sqlite3' ? 'better-sqlite3' : 'sqlite3'
}

/** The instance's configuration with a pool of our own: the same file, settings and hooks, and nobody else on the connection. */
export function ownConfig(knex: Knex): Knex.Config {
  const config = knex.client.config as Knex.Config
  return { ...config, pool: { ...config.pool, min: 0, max: 1 } }
}

/** One handle for all our connections to one database in memory, and the queue in which their transactions wait. */
export interface SharedHandle {
  readonly handle: SqliteHandle
  readonly queue: TransactionQueue
  readonly release: () => Promise<void>
}

/** Transactions of one handle run one after the other. */
export interface TransactionQueue {
  last: Promise<unknown>
}

interface Lease {
  readonly native: Promise<unknown>
  readonly queue: TransactionQueue
  handle?: SqliteHandle
  users: number
}

/** Takes the one connection from the pool, exclusively, until the last of its users gives it back. */
export async function sharedHandle(knex: Knex, makeHandle: (native: unknown) => SqliteHandle): Promise<SharedHandle> {
  const lease = leases.get(knex) ?? {
    native: knex.client.acquireConnection() as Promise<unknown>,
    queue: { last: Promise.resolve() },
    users: 0,
  }
  leases.set(knex, lease)
  lease.users++
  try {
    const native = await lease.native
    lease.handle ??= makeHandle(native)
  } catch (error) {
    leases.delete(knex)
    throw error
  }
  const { handle } = lease
  return {
    handle,
    queue: lease.queue,
    release: async () => {
      if (--lease.users > 0) return
      leases.delete(knex)
      await handle.release()
      await knex.client.releaseConnection(await lease.native)
    },
  }
}
