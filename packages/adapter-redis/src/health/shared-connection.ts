import type { Operation } from '@drover/core'
import { openRedis } from '../connection/open-redis.js'
import type { RedisConnection } from '../connection/redis-connection.js'
import type { RedisLocation } from '../connection/redis-location.js'
import type { RedisNode } from '../connection/redis-node.js'

/** One connection for several signals: opened by the first that asks, closed behind the last that is closed. */
export class SharedConnection {
  readonly #users = new Set<string>()
  #connection: Promise<RedisConnection> | undefined

  constructor(private readonly location: RedisLocation) {}

  /** The only server, or all masters of a cluster. */
  async nodes(user: string, operation: Operation): Promise<readonly RedisNode[]> {
    this.#users.add(user)
    const connection = await this.#opened(operation)
    const { nodes } = await connection.topology(`reading the ${user}`)
    return nodes.map(({ node }) => node)
  }

  async close(user: string): Promise<void> {
    this.#users.delete(user)
    if (this.#users.size > 0 || this.#connection === undefined) return
    const connection = this.#connection
    this.#connection = undefined
    // What could not be opened needs no closing, and was told.
    await (await connection.catch(() => undefined))?.[Symbol.asyncDispose]()
  }

  #opened({ signal }: Operation): Promise<RedisConnection> {
    const opening = this.#connection ?? openRedis(this.location, { where: 'redisHealth', signal, writes: false })
    this.#connection = opening
    opening.catch(() => {
      // The next reading tries anew.
      if (this.#connection === opening) this.#connection = undefined
    })
    return opening
  }
}
