import { constants } from 'node:buffer'
import type { SourceReject } from '@drover/core'
import { keySlot } from '../../connection/key-slot.js'
import type { RedisConnection } from '../../connection/redis-connection.js'
import type { RedisNode } from '../../connection/redis-node.js'
import { answerCode, redisError } from '../../errors/redis-error.js'
import type { RedisType } from '../redis-record.js'
import type { Missing } from './changes.js'
import { expiryCommands, expiryOf } from './expiry.js'
import { shownKey } from './key-json.js'
import { PrivateNode, tooMuch } from './private-node.js'
import { readByCommands, valueCommand } from './read-by-commands.js'
import { type Portion, readByScript } from './read-by-script.js'
import { readInParts } from './read-in-parts.js'
import { StringReading, type Strings } from './read-strings.js'
import { expiresTooLate, type Refusing, refuse, tooLarge, tooLong, unknownType } from './refusals.js'
import { bytesOf, notThere, type Sighting, storedValue } from './sighting.js'
import type { StoredKey, StoredValue } from './stored-key.js'
import { typeByName } from './type-names.js'

/** What is read, and how. */
export interface Reading {
  readonly types: readonly RedisType[]
  /** Text, or bytes. */
  readonly decode: boolean
  readonly maxValueBytes: number
}

/** What became of a key that was asked for: why, where there is nothing to give. */
export type Fetched = StoredKey | { readonly reject: SourceReject } | Missing

export function isMissing(one: Fetched): one is Missing {
  return typeof one === 'string'
}

/** The server knows no scripts, or they may not use what they are made of; commands may do without some of it. */
const deniedToScripts = /unknown (?:redis )?command|The user executing the script can't|ACL failure in script/i

/** An answer may be so much larger than was expected of it, and so many bytes more. */
const surprise = 4
const surpriseBytes = 16 * 1024 * 1024

const redirects: ReadonlySet<string> = new Set(['MOVED', 'ASK', 'TRYAGAIN'])

/** Of the calendar of JavaScript. */
const lastDate = 8.64e15

/** After a surprise so many fetches look at sizes first. */
const carefulFetches = 32

/** Reads what keys hold, each in the way that costs least. One at a time. */
export class KeyFetch {
  readonly #node: PrivateNode
  readonly #strings: StringReading
  readonly #refusing: Refusing
  /** Of the keys that were read last, how many were strings. */
  #shareOfStrings = 0
  #careful = 0
  #scriptsAreDenied = false

  constructor(
    private readonly connection: RedisConnection,
    private readonly reading: Reading,
    private readonly signal: AbortSignal,
  ) {
    const { server, name } = connection
    this.#node = new PrivateNode(() => connection.nodeOf(0), signal)
    this.#strings = new StringReading(server.version, connection.isCluster ? 0 : databaseOf(connection.nodeOf(0)))
    this.#refusing = { where: name, decode: reading.decode }
  }

  /**
   * What the first ones of the keys hold, in their order: as many of them as have about so many bytes together, one at least.
   *
   * @throws DroverError
   */
  async fetch(keys: readonly Buffer[], bytes: number): Promise<readonly Fetched[]> {
    const found = await this.#fetch(keys, bytes)
    let strings = 0
    for (const one of found) if (!isMissing(one) && 'type' in one && one.type === 'string') strings++
    this.#shareOfStrings = strings / found.length
    return found
  }

  close(): void {
    this.#node.close()
  }

  async #fetch(keys: readonly Buffer[], bytes: number): Promise<readonly Fetched[]> {
    if (this.#careful > 0) this.#careful--
    else if (this.#shareOfStrings >= 0.5 && !this.connection.isCluster) {
      const limit = bytes * surprise + surpriseBytes
      const strings = await this.#node.within(limit, (node) => this.#strings.read(node, keys))
      if (strings === tooMuch || strings instanceof Error) this.#careful = carefulFetches
      else return this.#withOthers(keys, bytes, strings)
    }
    return this.#anything(keys, bytes)
  }

  /** Strings, and what else is among them. */
  async #withOthers(
    keys: readonly Buffer[],
    bytes: number,
    { values, expiries }: Strings,
  ): Promise<readonly Fetched[]> {
    const found: Fetched[] = []
    const others: number[] = []
    for (let i = 0; i < keys.length; i++) {
      const value = values[i] as Buffer | null
      const expiresAt = expiries === null ? -1 : (expiries[i] as number)
      if (value === null) {
        others.push(i)
        found.push('gone')
      } else found.push(this.#stored(keys[i] as Buffer, 'string', value, expiresAt))
    }
    if (others.length === 0) return found
    const read = await this.#anything(
      others.map((place) => keys[place] as Buffer),
      bytes,
    )
    for (const [i, one] of read.entries()) found[others[i] as number] = one
    const firstLeft = others[read.length]
    return firstLeft === undefined ? found : found.slice(0, firstLeft)
  }

  /** Keys of any type. */
  async #anything(keys: readonly Buffer[], bytes: number): Promise<readonly Fetched[]> {
    const seen = await this.#sight(keys, { types: this.reading.types, largest: bytes, bytes })
    const found: Fetched[] = []
    for (const [i, sighting] of seen.entries()) {
      const key = keys[i] as Buffer
      if (isLarge(sighting, this.reading.types)) {
        // It is read by itself, so that not both are held.
        if (i === 0) found.push(await this.#alone(key, sighting))
        break
      }
      found.push(await this.#taken(key, sighting))
    }
    return found
  }

  async #sight(keys: readonly Buffer[], portion: Portion): Promise<readonly Sighting[]> {
    const { connection } = this
    if (connection.isCluster || this.#scriptsAreDenied) {
      const failure = (error: Error, key: Buffer) => this.#failure(error, key)
      return readByCommands({ connection, failure }, keys, portion)
    }
    const limit = portion.bytes * surprise + surpriseBytes
    const seen = await this.#node.within(limit, (node) => readByScript(node, connection.server.version, keys, portion))
    if (seen === tooMuch) {
      // The server's estimate was wrong: one of them is far larger. Alone it is read in parts.
      return this.#sight(
        keys.slice(0, Math.ceil(keys.length / 2)),
        keys.length > 1 ? portion : { ...portion, largest: -1 },
      )
    }
    if (!(seen instanceof Error)) return seen
    if (answerCode(seen) !== 'NOPERM' && !deniedToScripts.test(seen.message))
      throw redisError(seen, `reading keys on ${connection.name}`)
    this.#scriptsAreDenied = true
    return this.#sight(keys, portion)
  }

  async #taken(key: Buffer, { name, value, expiresAt, size }: Sighting): Promise<Fetched> {
    if (name === 'none') return 'gone'
    const type = typeByName.get(name)
    if (type === undefined)
      return { reject: refuse(this.#refusing, key, unknownType(name), await this.#dump(key, size)) }
    // Of one type alone the server was asked: then it has become another since.
    if (!this.reading.types.includes(type)) return this.reading.types.length === 1 ? 'retyped' : 'otherType'
    return value === null ? 'gone' : this.#stored(key, type, value, expiresAt)
  }

  #stored(key: Buffer, type: RedisType, value: StoredValue, expiresAt: number): Fetched {
    const bytes = bytesOf(value)
    const { maxValueBytes } = this.reading
    if (bytes > maxValueBytes) return { reject: refuse(this.#refusing, key, tooLarge(type, bytes, maxValueBytes)) }
    if (expiresAt > lastDate) return { reject: refuse(this.#refusing, key, expiresTooLate(type, expiresAt)) }
    return { key, type, value, expiresAt, size: key.length + bytes }
  }

  /** A key that is too large to be read together with others. */
  async #alone(key: Buffer, sighting: Sighting): Promise<Fetched> {
    const type = typeByName.get(sighting.name) as RedisType
    const { maxValueBytes } = this.reading
    const refused = (size: number | null) => ({
      reject: refuse(this.#refusing, key, tooLarge(type, size, maxValueBytes)),
    })
    if (type === 'string' && sighting.size > maxValueBytes) return refused(sighting.size)
    if (type === 'string' && this.reading.decode && sighting.size > constants.MAX_STRING_LENGTH) {
      return { reject: refuse(this.#refusing, key, tooLong(type, 'its value', sighting.size)) }
    }
    const node = this.connection.isCluster ? this.#nodeOf(key) : this.#node
    try {
      if (type === 'string' || type === 'json') {
        const whole = await node.within(maxValueBytes + surpriseBytes, (open) => this.#whole(open, key, type))
        return whole === tooMuch ? refused(null) : await this.#taken(key, whole)
      }
      const { version } = this.connection.server
      const read = await readInParts({ node, version, largest: maxValueBytes }, key, type)
      if (read === tooMuch) return refused(null)
      if (read === null) return await this.#taken(key, notThere)
      const stored = this.#stored(key, type, read.value, read.expiresAt)
      return read.isUnsteady && !isMissing(stored) ? { ...stored, isUnsteady: true } : stored
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
      const code = answerCode(cause)
      if (redirects.has(code)) return await this.#elsewhere(key)
      if (code !== 'WRONGTYPE') throw this.#failure(error, key)
      const [again = 'gone'] = await this.#anything([key], sighting.size)
      return again
    } finally {
      if (node !== this.#node) node.close()
    }
  }

  /** Its slot is on its way to another node: it is read whole by commands that follow it. */
  async #elsewhere(key: Buffer): Promise<Fetched> {
    const { types, maxValueBytes } = this.reading
    const failure = (error: Error) => this.#failure(error, key)
    const portion = { types, largest: Number.MAX_SAFE_INTEGER, bytes: maxValueBytes }
    const [seen = notThere] = await readByCommands({ connection: this.connection, failure }, [key], portion)
    return this.#taken(key, seen)
  }

  async #whole(node: RedisNode, key: Buffer, type: RedisType): Promise<Sighting> {
    const { version } = this.connection.server
    const asked = [valueCommand(key, type), ...expiryCommands(version, key)]
    const replies = await node.pipeline(`reading key ${shownKey(key)}`, [['MULTI'], ...asked, ['EXEC']])
    const refused = replies.find((reply) => reply instanceof Error)
    if (refused instanceof Error) throw this.#failure(refused, key)
    const [value = null, ...expiry] = replies.at(-1) as [Buffer | Error | null, ...number[]]
    if (value instanceof Error) throw this.#failure(value, key)
    const stored = storedValue(value, type)
    const expiresAt = expiryOf(version, expiry)
    return stored === null
      ? notThere
      : { name: type === 'json' ? 'ReJSON-RL' : type, value: stored, expiresAt, size: 0 }
  }

  #nodeOf(key: Buffer): PrivateNode {
    return new PrivateNode(() => this.connection.nodeOf(keySlot(key)), this.signal)
  }

  /** What of a type that nobody reads can be put back by RESTORE; not of a large one. */
  async #dump(key: Buffer, size: number): Promise<Buffer | undefined> {
    if (size > surpriseBytes) return undefined
    const [dump] = await this.connection.pipeline('reading a key', [{ key, command: ['DUMP', key] }])
    return Buffer.isBuffer(dump) ? dump : undefined
  }

  #failure(error: unknown, key: Buffer): Error {
    const { isCluster, name } = this.connection
    return redisError(error, `reading key ${shownKey(key)} on ${name}`, { isCluster })
  }
}

function isLarge({ name, value }: Sighting, types: readonly RedisType[]): boolean {
  const type = typeByName.get(name)
  return type !== undefined && types.includes(type) && value === null
}

function databaseOf({ client }: RedisNode): number {
  return client.options.db ?? 0
}
