import { hash } from 'node:crypto'
import type { LogicalType, RecordSchema } from '../contracts/schema.js'
import type { JsonValue, Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import { suggestNames } from '../errors/nearest.js'
import { type Same, sameOf } from './same-values.js'
import type { NearValues } from './tolerance.js'
import { type Code, codeOf, plain } from './value-codes.js'

interface RowCodesOptions {
  readonly ignore: readonly string[]
  readonly json: readonly string[]
  readonly schemas: readonly RecordSchema[]
  /** Fields with a tolerance. */
  readonly near: ReadonlyMap<string, NearValues>
}

/** A field, and how it begins in the text that is hashed. */
interface LabelledField {
  readonly name: string
  readonly label: string
}

/** What two rows are compared by. */
interface ComparedField {
  readonly name: string
  readonly isSame: Same
}

/** Turns rows into texts and hashes that are the same for rows that mean the same. */
export class RowCodes {
  readonly #ignored: ReadonlySet<string>
  readonly #codes = new Map<string, Code>()
  readonly #same = new Map<string, Same>()
  readonly #near: ReadonlyMap<string, NearValues>
  #names: readonly string[] = []
  #fields: readonly LabelledField[] = []
  #pair: { readonly a: readonly string[]; readonly b: readonly string[] } = { a: [], b: [] }
  #compared: readonly ComparedField[] = []

  constructor(
    private readonly key: readonly string[],
    options: RowCodesOptions,
  ) {
    this.#ignored = new Set(options.ignore)
    this.#near = options.near
    const names = new Set([...options.json, ...options.schemas.flatMap(({ fields }) => fields.map(({ name }) => name))])
    for (const name of names) {
      const types = typesOf(name, options)
      this.#codes.set(name, codeOf(types))
      this.#same.set(name, sameOf(types))
    }
  }

  /** One text per key. */
  keyOf(row: Row): string {
    const [only] = this.key
    return this.key.length === 1 && only !== undefined
      ? this.#keyValue(row, only)
      : this.key.map((field) => this.#keyValue(row, field)).join(',')
  }

  /** One value per key, cheaper than a text; numbers, and texts, are in the order of the key's own. */
  pairingKeyOf(row: Row): string | number {
    const [only] = this.key
    if (this.key.length > 1 || only === undefined) return this.keyOf(row)
    const value = row[only]
    const code = this.#codes.get(only) ?? plain
    if (code !== plain) return this.keyOf(row)
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value
    // No code of anything else begins so.
    if (typeof value === 'string') return `'${value}`
    const number = typeof value === 'bigint' ? Number(value) : Number.NaN
    return Number.isSafeInteger(number) ? number : this.keyOf(row)
  }

  /** Whether two rows are the same in all fields that are compared. */
  isSame(a: Row, b: Row): boolean {
    for (const { name, isSame } of this.#comparedOf(a, b)) if (!isSame(a[name], b[name])) return false
    return true
  }

  /** Whether rows with different hashes may be the same. */
  get hasTolerance(): boolean {
    return this.#near.size > 0
  }

  /**
   * One hash for rows that are the same in all fields that are compared; of fields with a tolerance, what no two rows share
   * that are too far apart. With `exactOnly` such fields are left out.
   */
  hashOf(row: Row, exactOnly = false): Buffer {
    let text = ''
    for (const { name, label } of this.#fieldsOf(row)) {
      const value = row[name]
      // A column that a store does not have for this record, and one that it has as null, are the same.
      if (value === null || value === undefined) continue
      const near = this.#near.get(name)
      if (near === undefined) text += label + this.#value(row, name)
      else if (!exactOnly) text += label + near.cell(value)
    }
    return hash('sha256', text, 'buffer')
  }

  /** The key's values, as JSON can hold them. */
  keyValues(row: Row): JsonValue[] {
    return this.key.map((field) => jsonOf(row[field]))
  }

  /** Of the fields with a tolerance, what `isNear` compares. */
  nearValuesOf(row: Row): readonly unknown[] {
    return Array.from(this.#near.keys(), (name) => row[name])
  }

  isNear(a: readonly unknown[], b: readonly unknown[]): boolean {
    return Array.from(this.#near.values()).every((near, i) => near.isNear(a[i], b[i]))
  }

  /** The compared fields in which two rows differ. */
  differing(a: Row, b: Row): string[] {
    return this.#comparedOf(a, b).flatMap(({ name, isSame }) => (isSame(a[name], b[name]) ? [] : [name]))
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

  /** Of both rows; rows of one side mostly have the same fields in the same order. */
  #comparedOf(a: Row, b: Row): readonly ComparedField[] {
    if (!hasFields(a, this.#pair.a) || !hasFields(b, this.#pair.b)) {
      this.#pair = { a: Object.keys(a), b: Object.keys(b) }
      const names = [...new Set([...this.#pair.a, ...this.#pair.b])].filter((name) => !this.#ignored.has(name))
      this.#compared = names.map((name) => ({ name, isSame: this.#sameOf(name) }))
    }
    return this.#compared
  }

  #sameOf(name: string): Same {
    const near = this.#near.get(name)
    return near === undefined ? (this.#same.get(name) ?? sameText) : (a, b) => near.isNear(a, b)
  }

  /** Sorted; rows mostly have the same fields in the same order. */
  #fieldsOf(row: Row): readonly LabelledField[] {
    if (!hasFields(row, this.#names)) {
      this.#names = Object.keys(row)
      const compared = this.#names.filter((name) => !this.#ignored.has(name)).sort()
      this.#fields = compared.map((name) => ({ name, label: `\n${JSON.stringify(name)}:` }))
    }
    return this.#fields
  }
}

const sameText = sameOf([])

/** Whether a row has these fields, in this order. Unlike a list of them, such a look makes nothing that has to be collected. */
function hasFields(row: Row, names: readonly string[]): boolean {
  let i = 0
  for (const name in row) if (name !== names[i++]) return false
  return i === names.length
}

function typesOf(name: string, { json, schemas }: RowCodesOptions): LogicalType[] {
  const types = schemas.flatMap(({ fields }) => fields.filter((field) => field.name === name).map(({ type }) => type))
  return json.includes(name) ? [...types, { kind: 'json' }] : types
}

function jsonOf(value: unknown): JsonValue {
  if (value === null || value === undefined) return null
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  return typeof value === 'bigint' ? value.toString() : plain(value)
}
