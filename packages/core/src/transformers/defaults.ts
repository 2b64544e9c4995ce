import type { LogicalType, RecordSchema } from '../contracts/schema.js'
import type { Row } from '../contracts/values.js'
import { type BuiltIn, builtIn, checkObject, withField } from './built-in.js'

/** A record whose fields of these names are there and not null. */
export type Defaulted<R, D> = Omit<R, keyof D> & {
  [K in keyof D]: K extends keyof R ? NonNullable<R[K]> | D[K] : D[K]
}

/** What `defaults` gives. */
export interface DefaultsTransformer<D> extends BuiltIn {
  <R extends object>(record: R): Defaulted<R, D>
}

/**
 * Fills fields that are null or missing; `0`, `''` and `false` stay.
 *
 * ```ts
 * defaults({ role: 'user', tokens: 0 })
 * ```
 *
 * @throws `OPTION_INVALID`
 */
export function defaults<D extends object>(values: D): DefaultsTransformer<D> {
  checkObject('defaults', 'values by field', values)
  const fields = Object.entries(values)
  const run = (record: Row): Row => {
    const filled = { ...record }
    for (const [name, value] of fields) filled[name] ??= own(value)
    return filled
  }
  const describe = (schema: RecordSchema) => fields.reduce(withDefault, schema)
  const names = Object.keys(values)
  return builtIn({ name: 'defaults', reads: names, writes: names, describe }, values, run)
}

/** A field that is there keeps its type; one that no record has gets the default's. */
function withDefault(schema: RecordSchema, [name, value]: readonly [string, unknown]): RecordSchema {
  const was = schema.fields.find((field) => field.name === name)
  const nullable = value === null || value === undefined
  return withField(
    schema,
    was === undefined ? { name, type: typeOf(value), nullable } : { ...was, nullable: nullable && was.nullable },
  )
}

function typeOf(value: unknown): LogicalType {
  switch (typeof value) {
    case 'string':
      return { kind: 'text' }
    case 'boolean':
      return { kind: 'boolean' }
    case 'bigint':
      return { kind: 'int', bits: 64 }
    case 'number':
      return Number.isInteger(value) ? { kind: 'int', bits: 64 } : { kind: 'float', bits: 64 }
    default:
      return { kind: 'json' }
  }
}

/** Each record gets an object of its own: a later step may change it. */
function own(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? structuredClone(value) : value
}
