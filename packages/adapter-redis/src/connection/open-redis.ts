import { DroverError } from '@drover/core'
import { Redis } from 'ioredis'
import type { RedisConnection } from './redis-connection.js'
import type { RedisLocation } from './redis-location.js'
import { RedisNode } from './redis-node.js'

/** What a connection is opened for. */
export interface Opening {
  /** For messages: `redisSource`. */
  readonly where: string
  readonly signal: AbortSignal
  /** A replica is refused. */
  readonly writes: boolean
}

/**
 * Connects, and finds out what is there.
 *
 * @throws `STORE_UNAVAILABLE`, `STORE_DENIED`, `OPTION_INVALID`
 */
export async function openRedis(location: RedisLocation, opening: Opening): Promise<RedisConnection> {
  if (typeof location.connection !== 'string') {
    throw new DroverError('OPTION_INVALID', `${opening.where}: not yet.`)
  }
  const client = new Redis(location.connection, {
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
  })
  await client.connect()
  const node = new RedisNode(client, `${client.options.host}:${client.options.port}`)
  return {
    name: `${node.name}/${client.options.db ?? 0}`,
    isCluster: false,
    server: { version: [7, 0, 0], hasJson: false },
    nodeOf: () => node,
    topology: async () => ({ nodes: [{ node, slots: [[0, 16_383]], leaving: [] }], version: '' }),
    pipeline: (doing, commands) =>
      node.pipeline(
        doing,
        commands.map(({ command }) => command),
      ),
    async [Symbol.asyncDispose]() {
      client.disconnect()
    },
  }
}
