import { DroverError } from '@drover/core'
import type { RedisOptions } from 'ioredis'

const schemes = ['redis:', 'rediss:', 'valkey:', 'valkeys:']

/**
 * What a URL says, as options of ioredis: `redis://user:password@host:port/database`, or the path of a Unix socket.
 *
 * @throws `OPTION_INVALID`, without what the URL holds
 */
export function parseUrl(where: string, origin: string, text: string): RedisOptions {
  const refuse = (problem: string): DroverError =>
    new DroverError(
      'OPTION_INVALID',
      `${where}: ${origin} ${problem}. It is redis://user:password@host:port/database, or rediss:// for TLS.`,
    )
  if (text.startsWith('/')) return socketOptions(text, refuse)
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text) ?? []
  if (scheme === undefined) throw refuse('is no URL')
  if (!schemes.includes(`${scheme.toLowerCase()}:`)) throw refuse(`begins with ${scheme}://`)
  const url = URL.canParse(text) ? new URL(text) : undefined
  // What stands there is the end of a password.
  if (url === undefined || /@|#/.test(url.pathname + url.search + url.hash)) {
    throw refuse('cannot be read: in a user name or password, @ is written as %40, / as %2F, # as %23, ? as %3F')
  }
  const path = decoded(url.pathname.replace(/^\//, ''), refuse)
  const db = path === '' ? url.searchParams.get('db') : path
  return {
    host: url.hostname === '' ? 'localhost' : url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 6379 : Number(url.port),
    ...(url.username === '' ? {} : { username: decoded(url.username, refuse) }),
    ...(url.password === '' ? {} : { password: decoded(url.password, refuse) }),
    ...(db === null ? {} : { db: databaseOf(db, refuse) }),
    ...queryOptions(url.searchParams, refuse),
    ...(url.protocol === 'rediss:' || url.protocol === 'valkeys:' ? { tls: {} } : {}),
  }
}

type Refuse = (problem: string) => DroverError

function socketOptions(text: string, refuse: Refuse): RedisOptions {
  const [path = '', query = ''] = text.split('?', 2)
  const params = new URLSearchParams(query)
  const db = params.get('db')
  return { path, ...(db === null ? {} : { db: databaseOf(db, refuse) }), ...queryOptions(params, refuse) }
}

/** More of it would be options of ioredis that a URL can only give as text. */
function queryOptions(params: URLSearchParams, refuse: Refuse): RedisOptions {
  for (const name of params.keys()) {
    if (!['db', 'family'].includes(name)) {
      throw refuse(`has the parameter "${name}"; what else ioredis takes is given as connection: { host, … }`)
    }
  }
  const family = params.get('family')
  return family === null ? {} : { family: Number(family) }
}

function databaseOf(text: string, refuse: Refuse): number {
  if (!/^\d{1,9}$/.test(text))
    throw refuse('ends with a database that is no number: databases of Redis are numbered from 0')
  return Number(text)
}

function decoded(text: string, refuse: Refuse): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw refuse('cannot be read: a % in a user name or password is written as %25')
  }
}
