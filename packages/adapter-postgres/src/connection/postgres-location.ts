import type { Duplex } from 'node:stream'
import type { ConnectionOptions } from 'node:tls'
import { checkOptionNames, checkText, checkWholeNumber, DroverError } from '@drover/core'
import { type ConnectionTarget, parseConfig, parseUrl } from './connection-target.js'
import { checkGivenPool, type PostgresKnex, type PostgresPool, poolTarget } from './given-pool.js'

/** Where a server is and how to enter: what pg takes, passed through to it. What is left out comes from PGHOST and so on. */
export interface PostgresConfig {
  /** A URL; what is given beside it wins. */
  readonly connectionString?: string
  /** A name, an address, or the folder of a Unix socket. */
  readonly host?: string
  readonly port?: number
  readonly database?: string
  readonly user?: string
  /** A function is called for each new connection: for passwords that rotate. */
  readonly password?: string | (() => string | Promise<string>)
  /** As in `tls.connect`; `true` checks the certificate against the authorities of Node. */
  readonly ssl?: boolean | ConnectionOptions
  readonly sslnegotiation?: 'postgres' | 'direct'
  readonly enableChannelBinding?: boolean
  /** How long connecting may take, in milliseconds. @default 10000 */
  readonly connectionTimeoutMillis?: number
  /** @default true */
  readonly keepAlive?: boolean
  readonly keepAliveInitialDelayMillis?: number
  /** Connections at the most. @default as many as are asked for: one for each partition that is read or written, and one more */
  readonly max?: number
  readonly idleTimeoutMillis?: number
  readonly maxLifetimeSeconds?: number
  /** Of the server, such as `-c search_path=chat`. */
  readonly options?: string
  /** Makes the socket, for connectors of cloud vendors. */
  readonly stream?: () => Duplex
}

const configOptions = [
  'connectionString',
  'host',
  'port',
  'database',
  'user',
  'password',
  'ssl',
  'sslnegotiation',
  'enableChannelBinding',
  'connectionTimeoutMillis',
  'keepAlive',
  'keepAliveInitialDelayMillis',
  'max',
  'idleTimeoutMillis',
  'maxLifetimeSeconds',
  'options',
  'stream',
]

/** Where the database is. The options that source, sink, backfill and state store share. */
export interface PostgresLocation {
  /**
   * `postgres://user:password@host:port/database` (`postgresql://` and `postgresql+asyncpg://` are the same), a configuration, or a
   * pool of pg or a knex instance of the application. Of a pool or instance, Drover takes connections for itself and gives them
   * back; it stays open: who creates a client closes it.
   *
   * @default the variable DATABASE_URL
   */
  readonly connection?: string | PostgresConfig | PostgresPool | PostgresKnex | undefined
  /** How long one statement may take, in milliseconds; 0 is without end. @default as the server has it */
  readonly statementTimeoutMs?: number
  /** How long a statement may wait for a lock that somebody else holds, in milliseconds; 0 is without end. @default as the server has it */
  readonly lockTimeoutMs?: number
  /** How Drover's connections show up in `pg_stat_activity`. @default 'drover' */
  readonly applicationName?: string
}

export const locationOptions = ['connection', 'statementTimeoutMs', 'lockTimeoutMs', 'applicationName'] as const

/**
 * Refuses a location that is none, without connecting: what a factory calls.
 *
 * @throws `OPTION_INVALID`
 */
export function checkLocation(where: string, options: PostgresLocation): void {
  checkWholeNumber(where, 'statementTimeoutMs', options.statementTimeoutMs, 0)
  checkWholeNumber(where, 'lockTimeoutMs', options.lockTimeoutMs, 0)
  if (options.applicationName !== undefined) checkText(where, 'applicationName', options.applicationName)
  resolveLocation(where, options)
}

/** The database as messages and run names show it: `db.example.org/chat`, without user and password. */
export function locationName(options: PostgresLocation): string {
  return resolveLocation('connection', options).name
}

/** What `connection` stands for. */
export type ResolvedLocation =
  | { readonly kind: 'own'; readonly name: string; readonly target: ConnectionTarget }
  | { readonly kind: 'pool'; readonly name: string; readonly pool: PostgresPool }
  | { readonly kind: 'knex'; readonly name: string; readonly knex: PostgresKnex }

/**
 * Tells the kinds of `connection` apart.
 *
 * @throws `OPTION_INVALID`
 */
export function resolveLocation(where: string, { connection }: PostgresLocation): ResolvedLocation {
  const given = connection ?? process.env.DATABASE_URL
  if (given === undefined || given === '') {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: give connection, or set the variable DATABASE_URL: postgres://user:password@host:port/database.`,
    )
  }
  if (typeof given === 'string') {
    const origin = connection === undefined ? 'DATABASE_URL' : 'connection'
    return own(parseUrl(where, origin, given))
  }
  if ((typeof given !== 'object' && typeof given !== 'function') || given === null) {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: connection is a URL, a configuration, a pool or a knex instance.`,
    )
  }
  const found = checkGivenPool(where, given)
  if (found !== undefined) return { ...found, name: poolTarget(given)?.name ?? 'the given pool' }
  const config = given as PostgresConfig
  checkOptionNames(`${where}, connection`, config, configOptions)
  return own(parseConfig(where, config))
}

function own(target: ConnectionTarget): ResolvedLocation {
  return { kind: 'own', name: target.name, target }
}
