import type { CommandLine, RedisConnection, Reply } from '@drover/adapter-redis'
import { DroverError, type SinkOperation } from '@drover/core'
import { adapterOf } from '../../base/adapters.js'
import { placeOfType } from '../../base/place-name.js'
import type { Refusals } from '../../base/refusals.js'
import type { LayoutName, LayoutOptions } from '../layout.js'
import type { DocumentForm } from './redis-reader.js'

/** What writes one record, and the record's place in its batch. */
export interface Writing {
  readonly row: number
  readonly commands: readonly CommandLine[]
}

/** Writes documents of RedisJSON, on one server or in a cluster. */
export class RedisWriter implements AsyncDisposable {
  private constructor(
    readonly connection: RedisConnection,
    private readonly form: DocumentForm,
  ) {}

  /**
   * Connects.
   *
   * @throws `SINK_NOT_READY` if the server has no RedisJSON; `STORE_UNAVAILABLE`, `STORE_DENIED`
   */
  static async open(
    where: LayoutName,
    { place }: LayoutOptions,
    form: DocumentForm,
    { signal }: SinkOperation,
  ): Promise<RedisWriter> {
    const { openRedis } = await adapterOf('redis')
    const { connection: given } = placeOfType(where, place, 'redis')
    const opening = { where, signal, endsWith: signal, writes: true }
    const connection = await openRedis({ connection: given as string }, opening)
    if (form === 'text' || connection.server.hasJson) return new RedisWriter(connection, form)
    await connection[Symbol.asyncDispose]()
    throw new DroverError(
      'SINK_NOT_READY',
      `${connection.name} has no RedisJSON, in which "${where}" keeps its documents: load the module (Redis 8 and Redis Stack have it), or write to another layout.`,
    )
  }

  setting(key: string, text: string): CommandLine {
    return this.form === 'json' ? ['JSON.SET', key, '$', text] : ['SET', key, text]
  }

  getting(key: string): CommandLine {
    return this.form === 'json' ? ['JSON.GET', key] : ['GET', key]
  }

  /** What the server says of keys: an error for one that is of another type. @throws what else it refuses */
  async look(commands: readonly CommandLine[]): Promise<readonly Reply[]> {
    const replies = await this.#send(commands)
    for (const reply of replies) {
      if (!(reply instanceof Error)) continue
      const error = await this.#errorOf(reply)
      if (error.code !== 'RECORD_REFUSED') throw error
    }
    return replies
  }

  /** Sends commands, and gives their answers. @throws what the server refuses */
  async ask(commands: readonly CommandLine[]): Promise<readonly Reply[]> {
    const replies = await this.#send(commands)
    const failed = replies.find((reply): reply is Error => reply instanceof Error)
    if (failed !== undefined) throw await this.#errorOf(failed)
    return replies
  }

  /** Sends what writes records. One whose key is of another type, or whose value is too large, is refused, and not the others. */
  async write(writings: readonly Writing[], refusals: Refusals): Promise<void> {
    const rows = writings.flatMap(({ row, commands }) => commands.map((command) => ({ row, command })))
    const replies = await this.#send(rows.map(({ command }) => command))
    const refused = new Set<number>()
    for (const [i, reply] of replies.entries()) {
      const { row, command } = rows[i] as (typeof rows)[number]
      if (!(reply instanceof Error) || refused.has(row)) continue
      const error = await this.#errorOf(reply)
      if (error.code !== 'RECORD_REFUSED') throw error
      refused.add(row)
      refusals.add(row, `Key ${JSON.stringify(keyOf(command))} cannot be written: ${error.message}`, error)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection[Symbol.asyncDispose]()
  }

  async #send(commands: readonly CommandLine[]): Promise<readonly Reply[]> {
    if (commands.length === 0) return []
    return this.connection.pipeline(
      this.#doing,
      commands.map((command) => ({ key: Buffer.from(keyOf(command)), command })),
    )
  }

  async #errorOf(error: Error): Promise<DroverError> {
    const { redisError } = await adapterOf('redis')
    return redisError(error, this.#doing) as DroverError
  }

  get #doing(): string {
    return `writing to ${this.connection.name}`
  }
}

function keyOf([name, ...args]: CommandLine): string {
  return String(name === 'EVAL' ? args[2] : args[0])
}
