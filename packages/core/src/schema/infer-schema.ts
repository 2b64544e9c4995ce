import type { Field, LogicalType, RecordSchema } from '../contracts/schema.js'
import type { Row } from '../contracts/values.js'

const int64 = { kind: 'int', bits: 64 } as const
const float64 = { kind: 'float', bits: 64 } as const
const json = { kind: 'json' } as const
const any = { kind: 'any' } as const
const least64 = -(2n ** 63n)
const most64 = 2n ** 63n - 1n

interface Seen {
  readonly name: string
  /** Null until a value that is not null was seen. */
  type: LogicalType | null
  /** In how many records it stood, and not as null. */
  filled: number
  /** A bigint was among the values: no double can hold it. */
  big: boolean
}

/** What some rows look like; the key is left open. */
export function inferSchema(rows: readonly object[]): RecordSchema {
  const inference = new SchemaInference()
  for (const row of rows) inference.add(row)
  return inference.schema([])
}

/**
 * Finds out what records look like by looking at them. Integers are always 64 bits wide and texts stay texts: a narrower
 * guess would break on the next record. A field seen with types that have none in common is `any`.
 */
export class SchemaInference {
  readonly #fields: Seen[] = []
  readonly #byName = new Map<string, Seen>()
  #records = 0

  add(record: object): void {
    this.#records++
    let place = 0
    for (const name in record) {
      const value = (record as Row)[name]
      // Records mostly have the same fields in the same order: that spares the look-up by name.
      const expected = this.#fields[place++]
      const seen = expected?.name === name ? expected : this.#seen(name)
      if (value === null || value === undefined) continue
      seen.filled++
      if (seen.type === null || !keeps(seen.type, value)) {
        const type = typeOf(value)
        seen.type = seen.type === null ? type : merged(seen.type, type)
        seen.big ||= typeof value === 'bigint'
      }
    }
  }

  /** What was seen so far: fields in the order they came up, nullable where a record had none. */
  schema(key: readonly string[]): RecordSchema {
    const fields = this.#fields.map(
      (seen): Field => ({ name: seen.name, type: settled(seen), nullable: seen.filled < this.#records }),
    )
    return { fields, key }
  }

  #seen(name: string): Seen {
    let seen = this.#byName.get(name)
    if (seen === undefined) {
      seen = { name, type: null, filled: 0, big: false }
      this.#byName.set(name, seen)
      this.#fields.push(seen)
    }
    return seen
  }
}

function settled({ type, big }: Seen): LogicalType {
  return type === null || (big && type.kind === 'float') ? any : type
}

/** Whether a value changes nothing about the type seen so far; spares the common cases a look at the value's own type. */
function keeps(type: LogicalType, value: unknown): boolean {
  if (type.kind === 'any') return true
  if (typeof value === 'string') return type.kind === 'text'
  if (typeof value === 'number') return type.kind === 'float' || (type.kind === 'int' && isInteger(value))
  if (typeof value === 'boolean') return type.kind === 'boolean'
  return false
}

function typeOf(value: unknown): LogicalType {
  if (typeof value === 'string') return { kind: 'text' }
  if (typeof value === 'number') return isInteger(value) ? int64 : float64
  if (typeof value === 'boolean') return { kind: 'boolean' }
  if (typeof value === 'bigint') return value >= least64 && value <= most64 ? int64 : any
  if (typeof value !== 'object' || value === null) return any
  if (value instanceof Uint8Array) return { kind: 'bytes' }
  if (value instanceof Float32Array) return { kind: 'vector', dimensions: value.length }
  if (value instanceof Date) return { kind: 'timestamp', zone: true, digits: 3 }
  if (Array.isArray(value)) return listType(value)
  return ArrayBuffer.isView(value) ? any : json
}

/** A list if all its items are of one simple type; everything else that is made of arrays and objects is `json`. */
function listType(items: readonly unknown[]): LogicalType {
  let of: LogicalType | null = null
  for (const item of items) {
    if (item === null || typeof item === 'object' || typeof item === 'bigint') return json
    const type = typeOf(item)
    of = of === null ? type : merged(of, type)
    if (of.kind === 'any') return json
  }
  return of === null ? json : { kind: 'list', of }
}

function merged(a: LogicalType, b: LogicalType): LogicalType {
  if (a.kind === 'list' && b.kind === 'list') {
    const of = merged(a.of, b.of)
    return of.kind === 'any' ? json : { kind: 'list', of }
  }
  if (a.kind === 'vector' && b.kind === 'vector') {
    return a.dimensions === b.dimensions ? a : { kind: 'list', of: { kind: 'float', bits: 32 } }
  }
  if (a.kind === b.kind) return a
  const kinds = new Set([a.kind, b.kind])
  if (kinds.has('int') && kinds.has('float')) return float64
  if (kinds.has('json') && kinds.has('list')) return json
  return any
}

/** -0 is no integer here: an integer column would lose its sign. */
function isInteger(value: number): boolean {
  return Number.isSafeInteger(value) && !Object.is(value, -0)
}
