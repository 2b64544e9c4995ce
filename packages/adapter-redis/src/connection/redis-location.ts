import { checkOptionNames, checkText, checkWholeNumber, DroverError } from '@drover/core'
import type { Cluster, ClusterOptions, Redis, RedisOptions } from 'ioredis'
import { parseUrl } from './connection-url.js'
import { givenClient } from './given-client.js'
import { clusterOptions, serverOptions } from './known-options.js'

/** Where the keys are. */
export interface RedisLocation {
  /**
   * `redis://user:password@host:port/database` (`rediss://` is TLS), options of ioredis (TLS, ACL user, `sentinels` with `name`), nodes of a
   * cluster, or a client or cluster of the application. Of a client Drover takes the settings and makes connections of its own, which
   * it closes; the client is not used and stays open: who creates a client closes it.
   *
   * @default the variable REDIS_URL
   */
  readonly connection?: string | RedisOptions | RedisClusterNodes | Redis | Cluster | undefined
}

/** Nodes of a cluster to begin with; the others are found. */
export interface RedisClusterNodes {
  /** URLs, whose user, password and TLS hold for all nodes, or hosts with ports. */
  readonly cluster: readonly (string | { readonly host: string; readonly port: number })[]
  /**
   * Options of ioredis' `Cluster`, such as `natMap` and `redisOptions` with `tls`, `username` and `password`. How its `Cluster` refreshes
   * and tries again is its own affair: Drover asks for the slots itself.
   */
  readonly options?: ClusterOptions
}

export const locationOptions = ['connection'] as const

/**
 * Refuses a location that is none, without connecting: what a factory calls.
 *
 * @throws `OPTION_INVALID`
 */
export function checkLocation(where: string, options: RedisLocation): void {
  resolveLocation(where, options)
}

/** The server as messages and run names show it: `cache.example.org:6379/0`, without user and password. */
export function locationName(options: RedisLocation): string {
  return resolveLocation('connection', options).name
}

/** Address of a node. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** What `connection` stands for. */
export type ResolvedLocation =
  | { readonly kind: 'server'; readonly name: string; readonly options: RedisOptions }
  | {
      readonly kind: 'cluster'
      readonly name: string
      readonly seeds: readonly Address[]
      readonly options: ClusterOptions
    }

/**
 * Tells the kinds of `connection` apart.
 *
 * @throws `OPTION_INVALID`
 */
export function resolveLocation(where: string, { connection }: RedisLocation): ResolvedLocation {
  const given = connection ?? process.env.REDIS_URL
  if (given === undefined || given === '') {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: give connection, or set the variable REDIS_URL: redis://user:password@host:port/database.`,
    )
  }
  if (typeof given === 'string') {
    return server(parseUrl(where, connection === undefined ? 'REDIS_URL' : 'connection', given))
  }
  if (typeof given !== 'object' || given === null) {
    throw new DroverError('OPTION_INVALID', `${where}: connection is a URL, options of ioredis, nodes or a client.`)
  }
  const client = givenClient(where, given)
  if (client?.kind === 'server') return server(client.options)
  if (client?.kind === 'cluster') return cluster(where, client.nodes, client.options)
  if ('cluster' in given) {
    checkOptionNames(`${where}, connection`, given, ['cluster', 'options'])
    const nodes = given as RedisClusterNodes
    checkOptionNames(`${where}, connection.options`, nodes.options ?? {}, clusterOptions)
    return cluster(where, nodes.cluster, nodes.options ?? {})
  }
  return server(checkedOptions(where, given as RedisOptions))
}

function checkedOptions(where: string, options: RedisOptions): RedisOptions {
  const place = `${where}, connection`
  checkOptionNames(place, options, serverOptions)
  checkWholeNumber(place, 'db', options.db ?? undefined, 0)
  checkWholeNumber(place, 'port', options.port ?? undefined, 1)
  if (options.host !== undefined) checkText(place, 'host', options.host)
  if ((options.keyPrefix ?? '') !== '') {
    throw new DroverError(
      'OPTION_INVALID',
      `${place}: leave keyPrefix out: keys are named as they stand in the store, so give it as a part of the names there.`,
    )
  }
  if (options.sentinels && !options.name) {
    throw new DroverError(
      'OPTION_INVALID',
      `${place}: sentinels need the name of the master, such as name: 'mymaster'.`,
    )
  }
  return options
}

function server(options: RedisOptions): ResolvedLocation {
  const { host = 'localhost', port = 6379, path, db = 0, sentinels, name } = options
  const [sentinel] = sentinels ?? []
  const at = sentinel
    ? `${addressName({ host: sentinel.host ?? 'localhost', port: sentinel.port ?? 26_379 })}/${name}`
    : (path ?? addressName({ host, port }))
  return { kind: 'server', name: `${at}/${db ?? 0}`, options }
}

/** `host:port`, as `redis-cli --cluster` takes nodes. */
const bareNode = /^(?:[\w.-]+|\[[\da-f:]+\]):\d+$/i

function cluster(where: string, nodes: RedisClusterNodes['cluster'], options: ClusterOptions): ResolvedLocation {
  if (!Array.isArray(nodes) || nodes.length === 0) {
    throw new DroverError('OPTION_INVALID', `${where}: cluster is a list of one node at the least.`)
  }
  const urls = nodes.map((node) => {
    if (typeof node === 'string')
      return parseUrl(where, 'a node of cluster', bareNode.test(node) ? `redis://${node}` : node)
    checkOptionNames(`${where}, a node of cluster`, node, ['host', 'port'])
    checkText(`${where}, a node of cluster`, 'host', node.host)
    checkWholeNumber(`${where}, a node of cluster`, 'port', node.port, 1)
    return node
  })
  const seeds = urls.map(({ host = 'localhost', port = 6379 }) => ({ host, port }))
  const said = urls.find((url): url is RedisOptions => 'password' in url || 'tls' in url) ?? {}
  const { host, port, db, ...login } = said
  const redisOptions = { ...login, ...options.redisOptions }
  if ((db ?? redisOptions.db ?? 0) !== 0) {
    throw new DroverError('OPTION_INVALID', `${where}: a cluster has database 0 and no other.`)
  }
  return { kind: 'cluster', name: seeds.map(addressName).join(','), seeds, options: { ...options, redisOptions } }
}

export function addressName({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
