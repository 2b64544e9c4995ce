import { createHash } from 'node:crypto'
import type { LogicalType, RecordSchema } from '../contracts/schema.js'
import type { JsonValue, Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import { suggestNames } from '../errors/nearest.js'
import { type Code, codeOf } from './value-codes.js'

/** What a verification has to know of a row. */
export interface RowCode {
  /** One text per key. */
  readonly key: string
  /** A number from the key. */
  readonly bucket: number
  /** From the key and all fields that are compared. */
  readonly hash: Buffer
}

interface RowCodesOptions {
  readonly ignore: readonly string[]
  readonly json: readonly string[]
  readonly schemas: readonly RecordSchema[]
}

/** Turns rows into texts and hashes that are the same for rows that mean the same. */
export class RowCodes {
  readonly #ignored: ReadonlySet<string>
  readonly #codes = new Map<string, Code>()
  #names: readonly string[] = []
  #sorted: readonly string[] = []

  constructor(
    private readonly key: readonly string[],
    options: RowCodesOptions,
  ) {
    this.#ignored = new Set(options.ignore)
    const names = new Set([...options.json, ...options.schemas.flatMap(({ fields }) => fields.map(({ name }) => name))])
    for (const name of names) this.#codes.set(name, codeOf(typesOf(name, options)))
  }

  of(row: Row): RowCode {
    const key = this.key.map((field) => this.#keyValue(row, field)).join(',')
    let text = key
    for (const field of this.#fieldsOf(row)) {
      const value = row[field]
      // A column that a store does not have for this record, and one that it has as null, are the same.
      if (value !== null && value !== undefined) text += `\n${JSON.stringify(field)}:${this.#value(row, field)}`
    }
    return { key, bucket: bucketOf(key), hash: createHash('sha256').update(text).digest().subarray(0, 16) }
  }

  /** The key's values, as JSON can hold them. */
  keyOf(row: Row): JsonValue[] {
    return this.key.map((field) => jsonOf(row[field]))
  }

  /** The compared fields in which two rows differ. */
  differing(a: Row, b: Row): string[] {
    const fields = new Set([...Object.keys(a), ...Object.keys(b)])
    return [...fields].filter((field) => !this.#ignored.has(field) && this.#value(a, field) !== this.#value(b, field))
  }

  #keyValue(row: Row, field: string): string {
    if (row[field] !== undefined) return this.#value(row, field)
    throw new DroverError(
      'KEY_INVALID',
      `verify: a row has no field "${field}", which is its key${suggestNames(field, Object.keys(row))}`,
    )
  }

  #value(row: Row, field: string): string {
    const value = row[field]
    return value === null || value === undefined ? 'null' : (this.#codes.get(field) ?? plain)(value)
  }

  /** Sorted; rows mostly have the same fields in the same order. */
  #fieldsOf(row: Row): readonly string[] {
    const names = Object.keys(row)
    if (names.length !== this.#names.length || names.some((name, i) => name !== this.#names[i])) {
      this.#names = names
      this.#sorted = names.filter((name) => !this.#ignored.has(name)).sort()
    }
    return this.#sorted
  }
}

const plain = codeOf([])

function typesOf(name: string, { json, schemas }: RowCodesOptions): LogicalType[] {
  const types = schemas.flatMap(({ fields }) => fields.filter((field) => field.name === name).map(({ type }) => type))
  return json.includes(name) ? [...types, { kind: 'json' }] : types
}

/** FNV-1a, 32 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
function bucketOf(key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  // The low bits alone would hardly change for keys that differ in their last digits.
  return (hash ^ (hash >>> 16)) >>> 0
}

function jsonOf(value: unknown): JsonValue {
  if (value === null || value === undefined) return null
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  return typeof value === 'bigint' ? value.toString() : plain(value)
}
