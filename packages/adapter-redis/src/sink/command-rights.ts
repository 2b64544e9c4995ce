import type { Operation } from '@drover/core'
import { keySlot } from '../connection/key-slot.js'
import type { Argument } from '../connection/raw-command.js'
import type { RedisConnection } from '../connection/redis-connection.js'
import { answerCode, isAnswer, redisError } from '../errors/redis-error.js'

/** Arguments that make a whole command of a name, `key` being any key. */
const samples: Readonly<Record<string, (key: Argument) => readonly Argument[]>> = {
  UNLINK: (key) => [key],
  MSET: (key) => [key, ''],
  MSETNX: (key) => [key, ''],
  SET: (key) => [key, ''],
  PEXPIREAT: (key) => [key, 1],
  HSET: (key) => [key, 'f', 'v'],
  HDEL: (key) => [key, 'f'],
  RPUSH: (key) => [key, 'v'],
  SADD: (key) => [key, 'v'],
  ZADD: (key) => [key, 1, 'v'],
  XADD: (key) => [key, '1-1', 'f', 'v'],
  'XGROUP CREATE': (key) => [key, 'g', '0'],
  'XGROUP CREATECONSUMER': (key) => [key, 'g', 'c'],
  'XGROUP DESTROY': (key) => [key, 'g'],
  XCLAIM: (key) => [key, 'g', 'c', 0, '1-1'],
  XDEL: (key) => [key, '1-1'],
  XTRIM: (key) => [key, 'MAXLEN', 0],
  XSETID: (key) => [key, '1-1'],
  'JSON.SET': (key) => [key, '$', '1'],
}

const groupCommands = ['XGROUP CREATE', 'XGROUP CREATECONSUMER', 'XGROUP DESTROY']

/** Whole commands of these names, to ask about: users may have the right to a part of them. */
export function sampleCommands(names: Iterable<string>, key: Argument): (readonly [string, ...Argument[]])[] {
  return [...names]
    .flatMap((name) => (name === 'XGROUP' ? groupCommands : [name]))
    .map((name) => {
      const [command = name, ...subcommand] = name.split(' ')
      return [command, ...subcommand, ...(samples[name]?.(key) ?? [key])]
    })
}

/**
 * Whether the user may use the commands that a script is made of: half way through a script it would be too late to find out. A transaction that is
 * discarded runs nothing, and refuses what may not be run.
 */
export class CommandRights {
  readonly #allowed = new Set<string>()

  constructor(
    private readonly connection: RedisConnection,
    private readonly where: string,
  ) {}

  /**
   * @param key Any that is to be written, so that rights to keys are not in the way.
   * @throws `STORE_DENIED`
   */
  async check(names: Iterable<string>, key: string | Uint8Array, { signal }: Operation): Promise<void> {
    const fresh = [...names].filter((name) => !this.#allowed.has(name))
    if (fresh.length === 0) return
    const doing = `looking for the right to use ${fresh.join(', ')} for ${this.where}`
    // Of its own: between MULTI and DISCARD nobody else may come.
    const node = await this.connection.nodeOf(keySlot(typeof key === 'string' ? Buffer.from(key) : key)).another(signal)
    try {
      const [begun] = await node.pipeline(doing, [['MULTI']])
      if (isAnswer(begun)) throw redisError(begun, doing)
      const replies = await node.pipeline(doing, sampleCommands(fresh, key))
      const denied = replies.find(
        (reply) =>
          isAnswer(reply) && (answerCode(reply) === 'NOPERM' || /unknown (?:sub)?command/i.test(reply.message)),
      )
      if (denied !== undefined) throw redisError(denied, `writing to ${this.where}`)
    } finally {
      node.close()
    }
    for (const name of fresh) this.#allowed.add(name)
  }
}
