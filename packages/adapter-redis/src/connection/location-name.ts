import { DroverError } from '@drover/core'
import type { RedisLocation } from './redis-location.js'

/**
 * Refuses a location that is none, without connecting: what a factory calls.
 *
 * @throws `OPTION_INVALID`
 */
export function checkLocation(where: string, location: RedisLocation): void {
  locationName(location, where)
}

/** The server as messages and names of runs show it, without user and password: `cache.example.org:6379/0`. */
export function locationName({ connection }: RedisLocation, where = 'connection'): string {
  const given: unknown = connection ?? process.env.REDIS_URL
  if (given === undefined || given === '') {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: give connection, or set the variable REDIS_URL: redis://user:password@host:port/database.`,
    )
  }
  if (typeof given === 'string') return urlName(where, connection === undefined ? 'REDIS_URL' : 'connection', given)
  if (typeof given !== 'object' || given === null) {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: connection is a URL, options of ioredis, nodes of a cluster, or a client.`,
    )
  }
  const { cluster, startupNodes, options } = given as Partial<Record<string, unknown>>
  const nodes = cluster ?? startupNodes
  if (Array.isArray(nodes)) return `cluster ${nodes.map(nodeName).join(',')}`
  return optionsName((options ?? given) as Settings)
}

interface Settings {
  readonly host?: string
  readonly port?: number
  readonly db?: number
  readonly path?: string
  readonly name?: string
  readonly sentinels?: unknown
}

function optionsName({ host = 'localhost', port = 6379, db = 0, path, name, sentinels }: Settings): string {
  if (Array.isArray(sentinels)) return `${name}/${db}`
  return `${path ?? `${host}:${port}`}/${db}`
}

function nodeName(node: unknown): string {
  if (typeof node === 'object' && node !== null) {
    const { host = 'localhost', port = 6379 } = node as { host?: string; port?: number }
    return `${host}:${port}`
  }
  return urlName('connection', 'cluster', String(node)).replace(/\/0$/, '')
}

function urlName(where: string, option: string, text: string): string {
  let url: URL
  try {
    url = new URL(text.includes('://') ? text : `redis://${text}`)
  } catch {
    // What is given is not shown: there may be a password in it.
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: ${option} is no URL such as redis://user:password@host:port/database.`,
    )
  }
  return `${url.hostname || 'localhost'}:${url.port || 6379}/${url.pathname.slice(1) || 0}`
}
