import { DroverError } from '@drover/core'
import type { RedisConnection } from '../connection/redis-connection.js'
import { isAnswer } from '../connection/redis-node.js'
import { textOf } from '../state/positions.js'

/** What the servers have evicted since they were started, and how they choose. */
interface Evicted {
  /** By name of the server. */
  readonly counts: ReadonlyMap<string, number>
  readonly policy: string
}

/** Whether servers threw keys away while they were written to: a full server does so, and says nothing to who writes. */
export class Evictions {
  #now: Evicted

  private constructor(
    private readonly connection: RedisConnection,
    private readonly before: Evicted,
  ) {
    this.#now = before
  }

  static async begin(connection: RedisConnection): Promise<Evictions> {
    return new Evictions(connection, await evictedBy(connection))
  }

  /** Looks again. */
  async look(): Promise<void> {
    this.#now = await evictedBy(this.connection)
  }

  /** Keys that were evicted from the begin to the last look, as far as users may ask for them. A server that was restarted in between counts from 0. */
  get count(): number {
    let sum = 0
    for (const [name, count] of this.#now.counts) {
      const before = this.before.counts.get(name)
      if (before !== undefined && count > before) sum += count - before
    }
    return sum
  }

  get note(): string {
    const said = this.count === 1 ? '1 key was' : `${this.count} keys were`
    return `${said} evicted while it wrote: the server is full (maxmemory-policy ${this.#now.policy}), and some may be of this run`
  }
}

/** What cannot be learnt does not matter enough for a run to fail. */
async function evictedBy(connection: RedisConnection): Promise<Evicted> {
  try {
    return await askedOf(connection)
  } catch (error) {
    if (!DroverError.isInstance(error)) throw error
    return { counts: new Map(), policy: 'unknown' }
  }
}

async function askedOf(connection: RedisConnection): Promise<Evicted> {
  const doing = 'asking how many keys were evicted'
  const { nodes } = await connection.topology(doing)
  const counts = new Map<string, number>()
  let policy = 'unknown'
  await Promise.all(
    nodes.map(async ({ node }) => {
      const replies = await node.pipeline(doing, [
        ['INFO', 'stats'],
        ['INFO', 'memory'],
      ])
      // Who may not ask cannot know.
      const info = replies.map((reply) => (isAnswer(reply) ? '' : textOf(reply))).join('\n')
      const count = /^evicted_keys:(\d+)/m.exec(info)?.[1]
      if (count !== undefined) counts.set(node.name, Number(count))
      policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1] ?? policy
    }),
  )
  return { counts, policy }
}
