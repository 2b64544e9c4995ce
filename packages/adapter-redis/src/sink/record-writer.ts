import { decodeJson, parseInstant, type RecordSchema, type Row, shownValue, ValueRefused } from '@drover/core'
import type { RedisType } from '../source/redis-record.js'
import { redisTypes } from '../source/redis-record.js'
import type { CommandBuffer } from './command-buffer.js'
import { fieldText, jsonText } from './field-text.js'
import { refuseEmpty, writeMembers, writeScored, writeString } from './member-commands.js'
import { writeStream } from './stream-commands.js'

/** What records become, as the options say. */
export interface RecordForm {
  /** Undefined: the record's field `type` says it. */
  readonly as: RedisType | undefined
  /** Undefined: the whole record. */
  readonly value: string | ((record: never) => unknown) | undefined
  readonly expiresAt: string | ((record: never) => unknown) | undefined
  /** Fields of a hash that a record sets where its key is there already. */
  readonly merge: readonly string[] | undefined
}

/** What the server knows. */
export interface ServerAbility {
  readonly hasJson: boolean
  /** Of 7.0. */
  readonly countsEntries: boolean
}

/** A number below is no instant in milliseconds: in seconds it is of this millennium. */
const leastMilliseconds = 1e11

/** Turns records into commands. */
export class RecordWriter {
  readonly #anyFields: ReadonlySet<string>
  /** Whose strings are values of JSON, not texts of it. */
  readonly #jsonFields: ReadonlySet<string>
  readonly #holdsJson: boolean

  constructor(
    private readonly form: RecordForm,
    private readonly server: ServerAbility,
    schema: RecordSchema | null,
  ) {
    const ofKind = (kind: string): string[] =>
      (schema?.fields ?? []).filter(({ type }) => type.kind === kind).map(({ name }) => name)
    this.#anyFields = new Set(ofKind('any'))
    this.#jsonFields = new Set(ofKind('json'))
    this.#holdsJson = typeof form.value === 'string' && this.#jsonFields.has(form.value)
  }

  /** When the key is to expire, in milliseconds since 1970; null if never. @throws ValueRefused */
  expiryOf(record: Row): number | null {
    const { expiresAt } = this.form
    if (expiresAt === undefined) return null
    const value = typeof expiresAt === 'string' ? record[expiresAt] : expiresAt(record as never)
    if (value === null || value === undefined) return null
    const at = milliseconds(value)
    if (at === null) {
      throw new ValueRefused(
        `its instant to expire at is ${shownValue(value)}`,
        'It takes a Date, a text of ISO 8601, or milliseconds since 1970.',
      )
    }
    return at
  }

  /**
   * Writes the commands that make a key.
   *
   * @param key Its number.
   * @param isThere The key is there, and only the fields to merge are set.
   * @returns Whether it is a key of parts, which would be added to what is there
   * @throws ValueRefused
   */
  write(record: Row, expiry: number | null, key: number, out: CommandBuffer, isThere: boolean): boolean {
    const type = this.#typeOf(record)
    const { value } = this.form
    const given = value === undefined ? record : typeof value === 'string' ? record[value] : value(record as never)
    if (value !== undefined && given === undefined) {
      const what = typeof value === 'string' ? `has no field "${value}"` : 'gets no value from the function value'
      throw new ValueRefused(`it ${what}`, `A key of type ${type} needs one.`)
    }
    switch (type) {
      case 'string':
        writeString(this.#stringOf(given), expiry, key, out)
        return false
      case 'hash':
        this.#writeHash(given, key, out, isThere)
        break
      case 'list':
        writeMembers('RPUSH', listOf(given, type), key, out)
        break
      case 'set':
        writeMembers('SADD', listOf(given, type), key, out)
        break
      case 'zset':
        writeScored(listOf(given, type), key, out)
        break
      case 'stream':
        writeStream(parsed(given, type), key, out, this.server.countsEntries)
        break
      case 'json':
        this.#writeJson(given, key, out)
    }
    if (expiry !== null && !isThere) {
      out.open('PEXPIREAT')
      out.key(key)
      out.add(String(expiry))
    }
    return true
  }

  #typeOf(record: Row): RedisType {
    const { as, merge } = this.form
    const type = as ?? record.type
    if (!isType(type)) {
      throw new ValueRefused(
        `its field "type" is ${type === undefined ? 'not there' : shownValue(type)}`,
        `It takes one of ${redisTypes.join(', ')}.`,
      )
    }
    if (merge !== undefined && type !== 'hash') {
      throw new ValueRefused(`a ${type}`, "Only hashes are merged: onConflict: 'update' replaces keys of all types.")
    }
    return type
  }

  /** A whole record is a document. */
  #stringOf(value: unknown): string | Uint8Array {
    return this.form.value === undefined && this.form.as !== undefined
      ? jsonText(value, { anyFields: this.#anyFields })
      : fieldText(value)
  }

  #writeHash(given: unknown, key: number, out: CommandBuffer, isThere: boolean): void {
    const { merge } = this.form
    const isRecord = this.form.value === undefined
    const chosen = isThere && merge !== undefined ? new Set(merge) : null
    const dropped: (string | Uint8Array)[] = []
    let count = 0
    const set = (name: string | Uint8Array, value: unknown): void => {
      if (chosen?.has(String(name)) === false) return
      if (value === null || value === undefined) {
        if (chosen !== null && value === null) dropped.push(name)
        return
      }
      if (!out.takes('HSET', 2)) {
        out.open('HSET')
        out.key(key)
      }
      out.add(name)
      const isJson = isRecord && typeof value === 'string' && this.#jsonFields.has(name as string)
      out.value(isJson ? jsonText(value) : fieldText(value))
      count++
    }
    out.close()
    const fields = isRecord ? (given as Row) : parsed(given, 'hash')
    if (fields instanceof Map) for (const [name, value] of fields) set(fieldText(name), value)
    else if (Array.isArray(fields)) for (const field of fields) setBytesField(field, set)
    else if (typeof fields === 'object' && fields !== null && !ArrayBuffer.isView(fields)) {
      for (const name of Object.keys(fields)) set(name, (fields as Row)[name])
    } else refuseFor('hash', given, 'an object')
    for (const name of dropped) {
      out.open('HDEL')
      out.key(key)
      out.add(name)
    }
    if (count === 0 && !isThere) refuseEmpty('hash')
  }

  #writeJson(given: unknown, key: number, out: CommandBuffer): void {
    if (!this.server.hasJson) {
      throw new ValueRefused('a document of JSON', "The server has no RedisJSON: write it with as: 'string'.")
    }
    // What a source calls JSON is a value; what it calls text is one of JSON.
    const value = typeof given === 'string' && !this.#holdsJson ? parsed(given, 'json') : given
    const text = jsonText(value, { values: this.form.as === undefined ? 'plain' : 'extended' })
    checkDocument(value, 0)
    out.open('JSON.SET')
    out.key(key)
    out.add('$')
    out.value(text)
  }
}

const types: ReadonlySet<unknown> = new Set(redisTypes)
/** RedisJSON parses with serde, which goes down 128 levels. */
const deepest = 127

function isType(value: unknown): value is RedisType {
  return types.has(value)
}

function setBytesField(field: unknown, set: (name: string | Uint8Array, value: unknown) => void): void {
  const { field: name, value } = Object(field) as Row
  if (name === undefined || name === null) refuseFor('hash', field, 'items with field and value')
  set(fieldText(name), value)
}

function listOf(given: unknown, type: RedisType): readonly unknown[] {
  const value = parsed(given, type)
  if (Array.isArray(value)) return value
  if (value instanceof Set) return [...value]
  return refuseFor(type, given, 'a list')
}

/** Collections come as text of JSON from stores that have no other form for them. */
function parsed(value: unknown, type: RedisType): unknown {
  if (typeof value !== 'string') return value
  try {
    return decodeJson(value)
  } catch {
    return refuseFor(type, value, 'a value of that type, or its JSON')
  }
}

function milliseconds(value: unknown): number | null {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.getTime()
  if (typeof value === 'string') {
    const instant = parseInstant(value)
    return instant === null ? null : instant.seconds * 1000 + Math.floor(instant.nanos / 1e6)
  }
  const number = typeof value === 'bigint' ? Number(value) : value
  return typeof number === 'number' && number >= leastMilliseconds && number <= Number.MAX_SAFE_INTEGER
    ? Math.floor(number)
    : null
}

/** What RedisJSON would refuse in the middle of a script. @throws ValueRefused */
function checkDocument(value: unknown, depth: number): void {
  if (typeof value === 'bigint' && !Number.isFinite(Number(value))) {
    throw new ValueRefused(`a document with ${shownValue(value)}`, 'RedisJSON takes numbers that a double can hold.')
  }
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return
  if (depth >= deepest) {
    throw new ValueRefused(`a document of more than ${deepest} levels`, 'RedisJSON takes no deeper one.')
  }
  for (const part of Object.values(value)) checkDocument(part, depth + 1)
}

function refuseFor(type: RedisType, value: unknown, expected: string): never {
  throw new ValueRefused(`${shownValue(value)} for a ${type}`, `It takes ${expected}.`)
}
