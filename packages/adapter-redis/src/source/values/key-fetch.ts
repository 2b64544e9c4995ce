import { DroverError, type SourceReject } from '@drover/core'
import type { Reply } from '../../connection/raw-command.js'
import type { RedisConnection } from '../../connection/redis-connection.js'
import type { CommandLine } from '../../connection/redis-node.js'
import { redisError } from '../../errors/redis-error.js'
import type { RedisType } from '../redis-record.js'
import type { Changes } from './changes.js'
import { named } from './decode-value.js'
import { rejectedKey, shownKey } from './key-json.js'
import type { StoredKey, StoredStream, StoredValue } from './stored-key.js'

/** What is read, and how. */
export interface Reading {
  readonly types: readonly RedisType[]
  /** Text, or bytes. */
  readonly decode: boolean
  readonly maxValueBytes: number
}

/** What became of a key that was asked for; null where there is nothing to give. */
export type Fetched = StoredKey | { readonly reject: SourceReject } | null

/** What TYPE says of a key, and what Drover calls it. */
const typeNames: ReadonlyMap<string, RedisType> = new Map([
  ['string', 'string'],
  ['hash', 'hash'],
  ['list', 'list'],
  ['set', 'set'],
  ['zset', 'zset'],
  ['stream', 'stream'],
  ['ReJSON-RL', 'json'],
])

/** Reads keys by commands that are sent together. */
export class KeyFetch {
  constructor(
    private readonly connection: RedisConnection,
    private readonly reading: Reading,
    private readonly changes: Changes,
  ) {}

  /** What the keys hold, in their order. */
  async fetch(keys: readonly Buffer[]): Promise<readonly Fetched[]> {
    const types = await this.#each('asking for the types of keys', keys, (key) => ['TYPE', key])
    const found: (Fetched | undefined)[] = keys.map(() => undefined)
    const wanted: number[] = []
    for (const [i, reply] of types.entries()) {
      const name = String(this.#checked(reply, keys[i] as Buffer))
      const type = typeNames.get(name)
      if (name === 'none') {
        this.changes.gone.add(keys[i] as Buffer)
        found[i] = null
      } else if (type === undefined) found[i] = { reject: this.#unknownType(keys[i] as Buffer, name) }
      else if (!this.reading.types.includes(type)) {
        this.changes.otherType.add(keys[i] as Buffer)
        found[i] = null
      } else wanted.push(i)
    }
    const typeOf = (i: number) => typeNames.get(String(types[i])) as RedisType
    const values = await this.#pipeline(
      'reading keys',
      wanted.flatMap((i) => [
        { key: keys[i] as Buffer, command: valueCommand(keys[i] as Buffer, typeOf(i)) },
        { key: keys[i] as Buffer, command: ['PEXPIRETIME', keys[i] as Buffer] },
      ]),
    )
    for (const [place, i] of wanted.entries()) {
      const key = keys[i] as Buffer
      const value = storedValue(this.#checked(values[place * 2] as Reply, key), typeOf(i))
      const expiresAt = this.#checked(values[place * 2 + 1] as Reply, key)
      if (expiresAt === -2 || value === null) {
        this.changes.gone.add(key)
        found[i] = null
      } else {
        const size = key.length + sizeOf(value)
        found[i] = { key, type: typeOf(i), value, expiresAt: expiresAt as number, size }
      }
    }
    return found as Fetched[]
  }

  #each(doing: string, keys: readonly Buffer[], command: (key: Buffer) => CommandLine): Promise<Reply[]> {
    return this.#pipeline(
      doing,
      keys.map((key) => ({ key, command: command(key) })),
    )
  }

  #pipeline(doing: string, commands: readonly { key: Buffer; command: CommandLine }[]): Promise<Reply[]> {
    return this.connection.pipeline(doing, commands)
  }

  #checked(reply: Reply, key: Buffer): Reply {
    if (reply instanceof Error) throw redisError(reply, `reading key ${shownKey(key)} on ${this.connection.name}`)
    return reply
  }

  #unknownType(key: Buffer, name: string): SourceReject {
    const error = new DroverError(
      'RECORD_UNREADABLE',
      `${this.connection.name}: key ${shownKey(key)} is of the type ${name} of a module, which Drover does not read. Name the types to be read in types, or leave the key out by keyPrefix or match.`,
    )
    return { key: rejectedKey(key, this.reading.decode), error }
  }
}

function valueCommand(key: Buffer, type: RedisType): CommandLine {
  switch (type) {
    case 'string':
      return ['GET', key]
    case 'hash':
      return ['HGETALL', key]
    case 'list':
      return ['LRANGE', key, 0, -1]
    case 'set':
      return ['SMEMBERS', key]
    case 'zset':
      return ['ZRANGE', key, 0, -1, 'WITHSCORES']
    case 'stream':
      return ['XINFO', 'STREAM', key, 'FULL', 'COUNT', 0]
    case 'json':
      return ['JSON.GET', key]
  }
}

function storedValue(reply: Reply, type: RedisType): StoredValue | null {
  if (type === 'string' || type === 'json') return reply as Buffer | null
  const parts = reply as Reply[]
  if (type !== 'stream') return parts.length === 0 ? null : (parts as Buffer[])
  return { entries: (named(parts).get('entries') ?? []) as Reply[], info: parts }
}

/** Bytes of what a reply holds; a number is counted as one of 64 bits. */
function sizeOf(value: StoredValue | Reply): number {
  if (Buffer.isBuffer(value)) return value.length
  if (!Array.isArray(value))
    return typeof value === 'object' && value !== null ? sizeOf([...(value as StoredStream).entries]) : 8
  let size = 0
  for (const part of value as Reply[]) size += sizeOf(part)
  return size
}
