import { DroverError, redactSecrets } from '@drover/core'
import pg from 'pg'
import type { PostgresConfig } from './postgres-location.js'

const escapes = 'Characters such as @ : / ? # % in a password are written as %40 and so on.'

/** A server and database, and how to enter. */
export interface ConnectionTarget {
  /** `db.example.org/chat`, without user and password. */
  readonly name: string
  /** For pg. */
  readonly config: pg.PoolConfig
}

/**
 * Reads a URL. SQLAlchemy's form with a driver (`postgresql+asyncpg://`) is the same to us, and its `ssl=require` is libpq's
 * `sslmode=require`.
 *
 * @param origin Where the URL was given, for messages: it may hold a password and is never shown.
 * @throws `OPTION_INVALID`
 */
export function parseUrl(where: string, origin: string, text: string, beside: PostgresConfig = {}): ConnectionTarget {
  const form = 'postgres://user:password@host:port/database'
  const scheme = /^([a-z][a-z\d+.-]*):\/\//i.exec(text)?.[1]
  if (scheme === undefined || !/^postgres(?:ql)?(?:\+\w+)?$/i.test(scheme)) {
    const what = scheme === undefined ? 'is no URL' : `begins with ${scheme}://`
    throw new DroverError('OPTION_INVALID', `${where}: ${origin} ${what}; it is a URL such as ${form}.`)
  }
  const rest = text.slice(scheme.length)
  // Read as a URL, what stands in front of them would be the host, and shown.
  if (/#/.test(rest) || /^:\/\/[^/?]*[/][^?]*@/.test(rest)) {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: ${origin} cannot be read: it has a # or an @ behind the host. ${escapes}`,
    )
  }
  const connectionString = `postgres${scheme.includes('+') ? rest.replace(/([?&])ssl=(?=[a-z-]{5,})/, '$1sslmode=') : rest}`
  return targetOf(where, origin, { connectionString }, beside)
}

/** @throws `OPTION_INVALID` */
export function parseConfig(where: string, config: PostgresConfig): ConnectionTarget {
  const { connectionString, ...beside } = config
  if (connectionString === undefined) return targetOf(where, 'connection', {}, beside)
  return parseUrl(where, 'connection.connectionString', connectionString, beside)
}

function targetOf(
  where: string,
  origin: string,
  base: { readonly connectionString?: string },
  beside: PostgresConfig,
): ConnectionTarget {
  const read = withDefaults(where, origin, base)
  // pg lets the URL win over what is given beside it, also where the URL says nothing.
  const config: pg.PoolConfig = {
    ...(base.connectionString === undefined ? {} : read),
    ...(beside as pg.PoolConfig),
  }
  const { host, port, database } = withDefaults(where, origin, config)
  return { name: targetName(host, port, database), config }
}

/** As pg completes it from the variables PGHOST and so on. Nothing is connected. */
function withDefaults(where: string, origin: string, config: pg.ClientConfig): pg.PoolConfig {
  try {
    const client = new pg.Client(config) as pg.Client & { readonly connectionParameters: { readonly options?: string } }
    const { host, port, user, password, database, ssl } = client
    const { options } = client.connectionParameters
    return { host, port, user, password, database, ssl, options } as pg.PoolConfig
  } catch (error) {
    const said = redactSecrets((error as Error).message).replace(/\.$/, '')
    throw new DroverError('OPTION_INVALID', `${where}: ${origin} cannot be read: ${said}. ${escapes}`)
  }
}

export function targetName(host: string | undefined, port: number | undefined, database: string | undefined): string {
  const shownPort = port === undefined || port === 5432 ? '' : `:${port}`
  return `${host ?? 'localhost'}${shownPort}/${database ?? ''}`
}
