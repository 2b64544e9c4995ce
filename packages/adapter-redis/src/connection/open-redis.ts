import { DroverError } from '@drover/core'
import { Redis, type RedisOptions } from 'ioredis'
import { redisError } from '../errors/redis-error.js'
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
  const { connection = process.env.REDIS_URL } = location
  let hasConnected = false
  const own: RedisOptions = {
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableReadyCheck: false,
    keyPrefix: '',
    protocol: 2,
    retryStrategy: (times) => (hasConnected ? Math.min(50 * times, 1000) : null),
  }
  if (connection === undefined || (typeof connection === 'object' && 'cluster' in connection)) {
    throw new DroverError('OPTION_INVALID', `${opening.where}: not yet.`)
  }
  const client =
    typeof connection === 'string'
      ? new Redis(connection, own)
      : connection instanceof Redis
        ? new Redis({ ...connection.options, ...own })
        : new Redis({ ...(connection as RedisOptions), ...own })
  let last: unknown
  client.on('error', (error) => {
    last = error
  })
  const node = new RedisNode(client, `${client.options.host}:${client.options.port}`)
  try {
    await client.connect()
    hasConnected = true
  } catch (error) {
    throw redisError(last ?? error, `connecting to ${node.name}`)
  }
  const info = String(await node.call('asking', 'INFO', 'server'))
  const version = (/^redis_version:([\d.]+)/m.exec(info)?.[1] ?? '6.2.0').split('.').map(Number)
  return {
    name: `${node.name}/${client.options.db ?? 0}`,
    isCluster: false,
    server: { version, hasJson: false },
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
