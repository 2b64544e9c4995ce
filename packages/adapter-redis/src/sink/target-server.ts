import { DroverError } from '@drover/core'
import { keySlot } from '../connection/key-slot.js'
import type { Reply } from '../connection/raw-command.js'
import type { RedisConnection } from '../connection/redis-connection.js'
import { type CommandLine, isAnswer } from '../connection/redis-node.js'
import type { Script } from '../connection/script.js'
import { redisError } from '../errors/redis-error.js'
import { type EncodedArguments, EncodedCommand } from './encoded-command.js'
import { keysIn } from './key-buffer.js'

/** The server, or the slot of a cluster, that all keys of a sink lie in. */
export class TargetServer {
  readonly #slotKey: Buffer

  constructor(
    private readonly connection: RedisConnection,
    /** A key of that slot. */
    slotKey: string,
  ) {
    this.#slotKey = Buffer.from(slotKey)
  }

  /** How many of the keys are there. */
  async countExisting(doing: string, keys: EncodedArguments): Promise<number> {
    return Number(await this.#send(doing, 'EXISTS', [keys]))
  }

  async call(doing: string, [name, ...args]: CommandLine): Promise<Reply> {
    return this.#send(doing, name, args.map(bytesOf))
  }

  /** Runs a script by its digest, and sends it once to a server that does not know it, or does not any more. */
  async run(
    doing: string,
    script: Script,
    keys: readonly (string | EncodedArguments)[],
    args: readonly (string | Uint8Array)[],
  ): Promise<Reply> {
    const count = keys.reduce((sum, key) => sum + (typeof key === 'string' ? 1 : key.count), 0)
    const rest = [String(count), ...keys, ...args]
    try {
      return await this.#send(doing, 'EVALSHA', [script.digest, ...rest])
    } catch (error) {
      if (!isUnknownScript(error)) throw error
    }
    return this.#send(doing, 'EVAL', [script.text, ...rest])
  }

  async #send(doing: string, name: string, args: readonly (string | Uint8Array | EncodedArguments)[]): Promise<Reply> {
    if (!this.connection.isCluster) {
      return this.connection.nodeOf(keySlot(this.#slotKey)).send(doing, new EncodedCommand(name, args))
    }
    const plain = args.flatMap((arg) => (typeof arg === 'object' && 'count' in arg ? keysIn(arg) : [arg]))
    const [reply] = await this.connection.pipeline(doing, [{ key: this.#slotKey, command: [name, ...plain] }])
    if (reply instanceof Error) throw redisError(reply, `${doing} on ${this.connection.name}`)
    return reply ?? null
  }
}

function bytesOf(argument: string | number | Uint8Array): string | Uint8Array {
  return typeof argument === 'number' ? String(argument) : argument
}

function isUnknownScript(error: unknown): boolean {
  const { cause } = error as Error
  return DroverError.isInstance(error) && isAnswer(cause) && cause.message.startsWith('NOSCRIPT')
}
