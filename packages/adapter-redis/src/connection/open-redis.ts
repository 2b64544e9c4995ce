import { DroverError } from '@drover/core'
import { ClusterConnection } from './cluster-connection.js'
import { slots } from './key-slot.js'
import type { RedisConnection } from './redis-connection.js'
import { type RedisLocation, type ResolvedLocation, resolveLocation } from './redis-location.js'
import { RedisNode } from './redis-node.js'
import { type Greeting, greetLoaded } from './server-info.js'

/** What a connection is opened for. */
export interface Opening {
  /** For messages: `redisSource`. */
  readonly where: string
  /** Until it is open. */
  readonly signal: AbortSignal
  /** When aborted, what is under way is given up, and the connection with it. */
  readonly endsWith?: AbortSignal | undefined
  /** A replica is refused. */
  readonly writes: boolean
}

/**
 * Connects, and finds out what is there. For adapters that lie upon this one, as `@drover/checkpoints` does: what a connection offers follows
 * their needs, and may change with any version.
 *
 * @throws `STORE_UNAVAILABLE`, `STORE_DENIED`, `STORE_BUSY`, `OPTION_INVALID`, `ABORTED`
 */
export async function openRedis(location: RedisLocation, opening: Opening): Promise<RedisConnection> {
  const resolved = resolveLocation(opening.where, location)
  return resolved.kind === 'cluster' ? openCluster(resolved, opening) : openServer(resolved, opening)
}

async function openServer(
  { name, options }: ResolvedLocation & { kind: 'server' },
  { where, signal, endsWith, writes }: Opening,
): Promise<RedisConnection> {
  const node = await RedisNode.open({ name: name.replace(/\/\d+$/, ''), options, isCluster: false, endsWith }, signal)
  try {
    const server = await greetLoaded(node, signal)
    checkKind(where, node.name, server, writes)
    const only = { node, slots: [[0, slots - 1] as const], leaving: [] }
    return {
      name,
      isCluster: false,
      server,
      nodeOf: () => node,
      topology: async () => ({ nodes: [only], version: '' }),
      pipeline: (doing, commands) =>
        node.pipeline(
          doing,
          commands.map(({ command }) => command),
        ),
      async [Symbol.asyncDispose]() {
        node.close()
      },
    }
  } catch (error) {
    node.close()
    throw error
  }
}

async function openCluster(
  location: ResolvedLocation & { kind: 'cluster' },
  { signal, endsWith }: Opening,
): Promise<RedisConnection> {
  const connection = new ClusterConnection(location, endsWith)
  try {
    await connection.open(signal)
    return connection
  } catch (error) {
    await connection[Symbol.asyncDispose]()
    throw error
  }
}

function checkKind(where: string, name: string, { mode, isReplica }: Greeting, writes: boolean): void {
  if (mode === 'cluster') {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: ${name} is a node of a cluster: give connection: { cluster: ['redis://${name}'] }, so that all of its nodes are used.`,
    )
  }
  if (mode === 'sentinel') {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: ${name} is a sentinel: give connection: { sentinels: [{ host, port }], name: 'mymaster' }, and it is asked for the master.`,
    )
  }
  if (writes && isReplica) {
    throw new DroverError(
      'STORE_DENIED',
      `${where}: ${name} is a replica, which takes no writes of its own: give the master, or sentinels that know it.`,
    )
  }
}
