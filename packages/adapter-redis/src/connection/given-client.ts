import { DroverError } from '@drover/core'
import type { ClusterOptions, RedisOptions } from 'ioredis'
import type { RedisClusterNodes } from './redis-location.js'

/** What connections like those of a client are made with. */
export type GivenClient =
  | { readonly kind: 'server'; readonly options: RedisOptions }
  | { readonly kind: 'cluster'; readonly nodes: RedisClusterNodes['cluster']; readonly options: ClusterOptions }

/** As much of a client of ioredis as is looked at; it may come from another copy of the package than ours. */
interface ClientShape {
  readonly isCluster?: boolean
  readonly options?: object
  /** The database that it has selected now, once it has connected. */
  readonly condition?: { readonly select?: number } | null
  readonly startupNodes?: readonly unknown[]
  readonly sendCommand?: unknown
  readonly duplicate?: unknown
  readonly connect?: unknown
}

/** @returns undefined if it is no client */
export function givenClient(where: string, given: object): GivenClient | undefined {
  const client = given as ClientShape
  if (typeof client.duplicate !== 'function') return undefined
  if (typeof client.sendCommand !== 'function' || typeof client.options !== 'object') {
    throw new DroverError('OPTION_INVALID', `${where}: the client given as connection is none of ioredis.`)
  }
  if (client.isCluster === true) {
    const { startupNodes = [] } = client
    return { kind: 'cluster', nodes: startupNodes.map(nodeOf), options: client.options }
  }
  const options = client.options as RedisOptions
  const db = client.condition?.select ?? options.db ?? 0
  // Limits that are meant for the short commands of an application.
  return {
    kind: 'server',
    options: { ...options, db, keyPrefix: '', commandTimeout: undefined, socketTimeout: undefined },
  }
}

/** What `new Cluster([…])` takes. */
function nodeOf(node: unknown): string | { host: string; port: number } {
  if (typeof node === 'number') return { host: 'localhost', port: node }
  if (typeof node === 'string') return node.includes('://') ? node : `redis://${node}`
  const { host, port } = (node ?? {}) as { readonly host?: string; readonly port?: number | string }
  return { host: host ?? 'localhost', port: Number(port ?? 6379) }
}
