import type { Redis } from 'ioredis'
import { redisError } from '../errors/redis-error.js'
import { type Argument, RawCommand, type Reply } from './raw-command.js'
import type { Script } from './script.js'

/** A command by name and arguments. */
export type CommandLine = readonly [name: string, ...args: Argument[]]

interface PipelineOfCommands {
  sendCommand(command: RawCommand): void
  exec(): Promise<[error: Error | null, reply: unknown][] | null>
}

/** A connection to one server that Drover made, and closes. */
export class RedisNode {
  constructor(
    readonly client: Redis,
    /** As messages show it: `cache.example.org:6379`. */
    readonly name: string,
  ) {}

  /**
   * @param doing For the message, should it fail: `reading key "checkpoint:1"`.
   * @throws DroverError
   */
  async call(doing: string, name: string, ...args: readonly Argument[]): Promise<Reply> {
    return this.send(doing, new RawCommand(name, args))
  }

  /** Sends a command that was made before. */
  async send(doing: string, command: RawCommand): Promise<Reply> {
    try {
      this.client.sendCommand(command)
      return await command.reply
    } catch (error) {
      throw redisError(error, `${doing} on ${this.name}`)
    }
  }

  /** Sends commands at once. The answer of one that the server refused is the server's error; only a failure of the connection throws. */
  async pipeline(doing: string, commands: readonly CommandLine[]): Promise<Reply[]> {
    if (commands.length === 0) return []
    // Typed for the commands that ioredis knows by name.
    const pipeline = this.client.pipeline() as unknown as PipelineOfCommands
    for (const [name, ...args] of commands) pipeline.sendCommand(new RawCommand(name, args))
    try {
      const results = await pipeline.exec()
      return (results ?? []).map(([error, reply]) => {
        if (error === null) return reply as Reply
        if (isAnswer(error)) return error
        throw error
      })
    } catch (error) {
      throw redisError(error, `${doing} on ${this.name}`)
    }
  }

  /** Runs a script by its digest, and sends it once to a server that does not know it. */
  async run(
    doing: string,
    script: Script,
    keys: readonly (string | Uint8Array)[],
    args: readonly Argument[],
  ): Promise<Reply> {
    try {
      return await this.#evaluate('EVALSHA', script.digest, keys, args)
    } catch (error) {
      if (!isAnswer(error) || !error.message.startsWith('NOSCRIPT')) throw redisError(error, `${doing} on ${this.name}`)
    }
    try {
      return await this.#evaluate('EVAL', script.text, keys, args)
    } catch (error) {
      throw redisError(error, `${doing} on ${this.name}`)
    }
  }

  #evaluate(name: string, script: string, keys: readonly (string | Uint8Array)[], args: readonly Argument[]) {
    const command = new RawCommand(name, [script, keys.length, ...keys, ...args])
    this.client.sendCommand(command)
    return command.reply
  }
}

/** Whether the server answered with this error, so that the connection is well. */
export function isAnswer(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError'
}
