import type { CommandLine, RedisConnection, Reply } from '@drover/adapter-redis'
import { abortError, DroverError, type Operation } from '@drover/core'
import { adapterOf } from '../../base/adapters.js'
import { placeOfType } from '../../base/place-name.js'
import type { LayoutName, LayoutOptions } from '../layout.js'

/**
 * How documents lie in the store: as those of RedisJSON, or as strings of JSON. The second one is no layout of any library: tests use it
 * where there is no server with that module.
 */
export type DocumentForm = 'json' | 'text'

/** Which keys are looked for. */
export type KeyKind = 'document' | 'list'

/** Keys that a server looks at for one answer: it does nothing else meanwhile. */
const scanCount = 1_000
/** Answers of `SCAN` that are looked at to find out what is there, on each server. */
const mostLooks = 100
/** Commands sent at once. */
const pipelineCommands = 500

/** Reads keys of Redis, on one server or in a cluster. */
export class RedisReader implements AsyncDisposable {
  constructor(
    private readonly connection: RedisConnection,
    private readonly form: DocumentForm,
  ) {}

  /**
   * Connects.
   *
   * @throws `SOURCE_INVALID` if the layout needs RedisJSON, and the server does not have it; `STORE_UNAVAILABLE`, `STORE_DENIED`
   */
  static async open(
    where: LayoutName,
    { place }: LayoutOptions,
    form: DocumentForm,
    { signal }: Operation,
  ): Promise<RedisReader> {
    const { openRedis } = await adapterOf('redis')
    const { connection: given } = placeOfType(where, place, 'redis')
    const connection = await openRedis(
      { connection: given as string },
      { where, signal, endsWith: signal, writes: false },
    )
    if (form === 'json' && where !== 'langchain-redis-list' && !connection.server.hasJson) {
      await connection[Symbol.asyncDispose]()
      throw withoutJson(where, connection.name)
    }
    return new RedisReader(connection, form)
  }

  get name(): string {
    return this.connection.name
  }

  /** Keys that begin with a text, of the kind that is asked for, in the order of their code units. All of them are in memory. */
  async keys(prefix: string, kind: KeyKind, { signal }: Operation): Promise<string[]> {
    const type = kind === 'list' ? 'list' : this.documentType
    const found = new Set<string>()
    const { nodes } = await this.connection.topology('looking for keys')
    for (const { node } of nodes) {
      let cursor = '0'
      do {
        if (signal.aborted) throw abortError(signal)
        const pattern = `${prefix.replace(/[\\*?[\]]/g, '\\$&')}*`
        const reply = await node.call(
          'looking for keys',
          'SCAN',
          cursor,
          'MATCH',
          pattern,
          'COUNT',
          scanCount,
          'TYPE',
          type,
        )
        const [next, keys] = reply as [Buffer, Buffer[]]
        for (const key of keys) found.add(key.toString())
        cursor = next.toString('latin1')
      } while (cursor !== '0')
    }
    return [...found].sort()
  }

  /** What the server calls the type of documents. */
  get documentType(): string {
    return this.form === 'json' ? 'ReJSON-RL' : 'string'
  }

  /**
   * Some keys for each of the prefixes. It looks at a limited number of keys, so that a large store is not searched through.
   *
   * @param most For each prefix.
   */
  async sample(
    prefixes: readonly string[],
    most: number,
    { signal }: Operation,
  ): Promise<ReadonlyMap<string, readonly string[]>> {
    const found = new Map(prefixes.map((prefix): [string, string[]] => [prefix, []]))
    const isEnough = () => [...found.values()].every(({ length }) => length >= most)
    const { nodes } = await this.connection.topology('looking for keys')
    for (const { node } of nodes) {
      let cursor = '0'
      for (let looks = 0; looks < mostLooks && !isEnough(); looks++) {
        if (signal.aborted) throw abortError(signal)
        const reply = await node.call('looking for keys', 'SCAN', cursor, 'COUNT', scanCount)
        const [next, keys] = reply as [Buffer, Buffer[]]
        for (const key of keys.map(String)) {
          const own = found.get(prefixes.find((prefix) => key.startsWith(prefix)) ?? '')
          if (own !== undefined && own.length < most) own.push(key)
        }
        cursor = next.toString('latin1')
        if (cursor === '0') break
      }
    }
    return found
  }

  /** Texts of documents, in the order of the keys; null where there is none any more. */
  async documents(keys: readonly string[], operation: Operation): Promise<readonly (string | null)[]> {
    const replies = await this.ask(
      keys.map((key): CommandLine => (this.form === 'json' ? ['JSON.GET', key] : ['GET', key])),
      operation,
    )
    return replies.map((reply) => (Buffer.isBuffer(reply) ? reply.toString() : null))
  }

  /** Members of sorted sets, in their order; of a key that is not there, none. */
  async members(keys: readonly string[], operation: Operation): Promise<readonly (readonly string[])[]> {
    const replies = await this.ask(
      keys.map((key): CommandLine => ['ZRANGE', key, 0, -1]),
      operation,
    )
    return replies.map((reply) => (Array.isArray(reply) ? reply.map(String) : []))
  }

  /** Milliseconds until keys expire; negative for those that do not, or are gone. */
  async timesToLive(keys: readonly string[], operation: Operation): Promise<readonly number[]> {
    const replies = await this.ask(
      keys.map((key): CommandLine => ['PTTL', key]),
      operation,
    )
    return replies.map((reply) => (typeof reply === 'number' ? reply : -1))
  }

  /** Sends commands whose first argument is a key. A key of another type is one that is gone. */
  async ask(commands: readonly CommandLine[], { signal }: Operation): Promise<readonly Reply[]> {
    const replies: Reply[] = []
    for (let at = 0; at < commands.length; at += pipelineCommands) {
      if (signal.aborted) throw abortError(signal)
      const some = commands.slice(at, at + pipelineCommands)
      const doing = `reading ${some.length} keys on ${this.name}`
      const answers = await this.connection.pipeline(
        doing,
        some.map((command) => ({ key: Buffer.from(String(command[1])), command })),
      )
      for (const answer of answers)
        replies.push(answer instanceof Error ? await unlessOfAnotherType(answer, doing) : answer)
    }
    return replies
  }

  /** How many keys there are, whatever they are called. */
  async size(): Promise<number> {
    const { nodes } = await this.connection.topology('counting keys')
    const sizes = await Promise.all(nodes.map(({ node }) => node.call('counting keys', 'DBSIZE')))
    return sizes.reduce<number>((sum, size) => sum + Number(size), 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection[Symbol.asyncDispose]()
  }
}

/** Null for a key that is of another type by now. @throws what else the server refuses */
async function unlessOfAnotherType(error: Error, doing: string): Promise<null> {
  if (/^(?:WRONGTYPE|Existing key has wrong Redis type)/.test(error.message)) return null
  const { redisError } = await adapterOf('redis')
  throw redisError(error, doing)
}

/** What is missing, and what to do about it. */
export function withoutJson(where: LayoutName, name: string): DroverError {
  return new DroverError(
    'SOURCE_INVALID',
    `${name} has no RedisJSON, in which "${where}" keeps its documents, so none can be there. Name the server that the application uses, or load the module: Redis 8 and Redis Stack have it.`,
  )
}
