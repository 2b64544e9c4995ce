import { DroverError } from '@drover/core'
import pg from 'pg'
import { targetName } from './connection-target.js'

/** A `Pool` of pg, or one made like it. */
export interface PostgresPool {
  connect(): Promise<unknown>
  /** What tells a pool from a client. */
  readonly totalCount: number
}

/** A knex instance for pg, as far as it is used. */
export interface PostgresKnex {
  (...args: never[]): unknown
  readonly client: {
    acquireConnection(): Promise<unknown>
    releaseConnection(connection: unknown): Promise<unknown>
  }
}

/** What can be seen of a thing that was given as connection. */
interface Given {
  readonly connect?: unknown
  readonly query?: unknown
  readonly totalCount?: unknown
  readonly isTransaction?: unknown
  readonly options?: pg.PoolConfig
  readonly client?: { readonly dialect?: unknown; readonly driverName?: unknown; readonly connectionSettings?: unknown }
}

/**
 * A pool or knex instance; undefined if it is neither.
 *
 * @throws `OPTION_INVALID` for a single client, a transaction, an instance for another database.
 */
export function checkGivenPool(
  where: string,
  connection: object,
):
  | { readonly kind: 'pool'; readonly pool: PostgresPool }
  | { readonly kind: 'knex'; readonly knex: PostgresKnex }
  | undefined {
  const given = connection as Given
  if (typeof connection === 'function') {
    checkKnex(where, given)
    return { kind: 'knex', knex: connection as PostgresKnex }
  }
  if (typeof given.connect === 'function' && typeof given.totalCount === 'number') {
    return { kind: 'pool', pool: connection as PostgresPool }
  }
  if (typeof given.query === 'function' || typeof given.connect === 'function') {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: connection is a single client, and the application's own statements on it would land in Drover's ` +
        'transactions. Give a pool, or the URL.',
    )
  }
  return undefined
}

/** Where a given pool or knex instance connects to, without secrets; undefined if it does not say. */
export function poolTarget(connection: object): { readonly name: string } | undefined {
  const given = connection as Given
  const settings = typeof connection === 'function' ? given.client?.connectionSettings : given.options
  if (typeof settings !== 'object' || settings === null) return undefined
  try {
    const { host, port, database } = new pg.Client(settings as pg.ClientConfig)
    return { name: targetName(host, port, database) }
  } catch {
    // Only a name is wanted; connecting says what is wrong.
    return undefined
  }
}

function checkKnex(where: string, { client, isTransaction }: Given): void {
  if (client === undefined)
    throw new DroverError('OPTION_INVALID', `${where}: connection is a function, but no knex instance.`)
  if (isTransaction) {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: connection is a transaction of knex; give the knex instance that it was made from.`,
    )
  }
  if (client.dialect !== 'postgresql' || client.driverName !== 'pg') {
    const driver = `"${String(client.driverName ?? client.dialect)}"`
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: connection is a knex instance for ${driver}; it must be one for PostgreSQL with the driver "pg".`,
    )
  }
}
