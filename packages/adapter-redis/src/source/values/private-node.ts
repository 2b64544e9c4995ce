import type { RedisNode } from '../../connection/redis-node.js'

/** What `within` gives if more came than was allowed. */
export const tooMuch = Symbol('too much')

/** A connection of one read's own: WATCH belongs to a connection, and it may be cut without harm to anybody else. */
export class PrivateNode {
  #node: Promise<RedisNode> | undefined

  constructor(
    private readonly like: () => RedisNode,
    private readonly signal: AbortSignal,
  ) {}

  get(): Promise<RedisNode> {
    this.#node ??= this.like().another(this.signal)
    return this.#node
  }

  /**
   * Does something whose answers may have `limit` bytes. A server sends an answer whole, however long it is: what is longer is cut by closing
   * the connection, for it would have to be held in memory before anybody could look at it. The next one to ask gets a new connection.
   */
  async within<T>(limit: number, work: (node: RedisNode) => Promise<T>): Promise<T | typeof tooMuch> {
    const node = await this.get()
    const { stream } = node.client
    let left = limit
    const count = ({ length }: Buffer): void => {
      left -= length
      if (left >= 0) return
      stream.off('data', count)
      this.close()
    }
    stream.on('data', count)
    try {
      return await work(node)
    } catch (error) {
      if (left < 0) return tooMuch
      throw error
    } finally {
      stream.off('data', count)
    }
  }

  close(): void {
    const node = this.#node
    this.#node = undefined
    node?.then(
      (open) => open.close(),
      () => {},
    )
  }
}
