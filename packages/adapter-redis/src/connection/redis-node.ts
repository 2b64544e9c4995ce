import type { Redis } from 'ioredis'
import { isAnswer } from '../errors/redis-error.js'
import { Link, type LinkPlan } from './link.js'
import { type Argument, RawCommand, type Reply } from './raw-command.js'
import type { Script } from './script.js'

export { isAnswer }

/** A command by name and arguments. */
export type CommandLine = readonly [name: string, ...args: Argument[]]

/** A connection to one server that Drover made, and closes. */
export class RedisNode {
  readonly #link: Link

  constructor(plan: LinkPlan) {
    this.#link = new Link(plan)
  }

  /** Connects. @throws DroverError */
  static async open(plan: LinkPlan, signal: AbortSignal): Promise<RedisNode> {
    const node = new RedisNode(plan)
    await node.#link.open(signal)
    return node
  }

  /** Whether commands would be sent at once. */
  get isUsable(): boolean {
    return this.#link.isUsable
  }

  get client(): Redis {
    return this.#link.client
  }

  /** As messages show it: `cache.example.org:6379`. */
  get name(): string {
    return this.#link.plan.name
  }

  /** Another connection to the same server, for `WATCH` and what else belongs to a connection. Who asks for it closes it. */
  async another(signal: AbortSignal): Promise<RedisNode> {
    return RedisNode.open({ ...this.#link.plan, isKnown: true }, signal)
  }

  /**
   * @param doing For the message, should it fail: `reading key "checkpoint:1"`.
   * @throws DroverError
   */
  async call(doing: string, name: string, ...args: readonly Argument[]): Promise<Reply> {
    return this.send(doing, new RawCommand(name, args))
  }

  /** Sends a command that was made before: at once, if the connection is well. */
  async send(doing: string, command: RawCommand): Promise<Reply> {
    try {
      return await this.#send(command)
    } catch (error) {
      throw this.#link.failure(error, doing)
    }
  }

  /** Sends commands at once. The answer of one that the server refused is the server's error; only a failure of the connection throws. */
  async pipeline(doing: string, commands: readonly CommandLine[]): Promise<Reply[]> {
    return this.sendAll(
      doing,
      commands.map(([name, ...args]) => new RawCommand(name, args)),
    )
  }

  /** The same for commands that were made before. */
  async sendAll(doing: string, commands: readonly RawCommand[]): Promise<Reply[]> {
    if (commands.length === 0) return []
    try {
      if (!this.#link.isUsable) await this.#link.usable()
      return await Promise.all(this.#write(commands))
    } catch (error) {
      throw this.#link.failure(error, doing)
    }
  }

  /** Runs a script by its digest, and sends it once to a server that does not know it. */
  async run(
    doing: string,
    script: Script,
    keys: readonly (string | Uint8Array)[],
    args: readonly Argument[],
  ): Promise<Reply> {
    const rest = [keys.length, ...keys, ...args]
    try {
      return await this.#send(new RawCommand('EVALSHA', [script.digest, ...rest]))
    } catch (error) {
      if (!isAnswer(error) || !error.message.startsWith('NOSCRIPT')) throw this.#link.failure(error, doing)
    }
    return this.call(doing, 'EVAL', script.text, ...rest)
  }

  close(): void {
    this.#link.close()
  }

  /** In one write, as far as the system takes it. */
  #write(commands: readonly RawCommand[]): Promise<Reply>[] {
    const { stream } = this.client
    stream.cork()
    try {
      return commands.map((command) => {
        this.client.sendCommand(command)
        return command.reply.catch(answerOf)
      })
    } finally {
      stream.uncork()
    }
  }

  async #send(command: RawCommand): Promise<Reply> {
    if (!this.#link.isUsable) await this.#link.usable()
    this.client.sendCommand(command)
    return command.reply
  }
}

function answerOf(error: unknown): Error {
  if (isAnswer(error)) return error
  throw error
}
