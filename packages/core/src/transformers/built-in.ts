import type { Field, LogicalType, RecordSchema } from '../contracts/schema.js'
import type { Row } from '../contracts/values.js'
import { shown } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { suggestNames } from '../errors/nearest.js'
import type { TransformerTraits } from '../flow/transformer.js'

/**
 * What every built-in transformer extends with its own call signature. An interface of both carries the record's type
 * through `pipe`; an intersection with a generic function would lose it.
 */
export interface BuiltIn {
  readonly traits: TransformerTraits
}

/** A record that has these fields. Which ones a row without a type has, nobody knows. */
export type Having<R, F extends string> = string extends keyof R ? object : { readonly [K in F]: unknown }

/**
 * Puts traits on a function. The arguments are part of the version: with another list of fields it is another
 * transformer, and a run that was started with the first one is not resumed with it.
 */
export function builtIn<T extends BuiltIn>(
  traits: TransformerTraits,
  args: unknown,
  run: (...record: never[]) => unknown,
): T {
  const written = JSON.stringify(args, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
  return Object.assign(run, { traits: Object.freeze({ version: `1 ${written}`, ...traits }) }) as unknown as T
}

/** @throws `OPTION_INVALID` unless it is a list of field names. */
export function checkFields(where: string, fields: unknown): void {
  if (Array.isArray(fields) && fields.length > 0 && fields.every((field) => typeof field === 'string' && field !== ''))
    return
  throw new DroverError(
    'OPTION_INVALID',
    `${where}: it takes an array of one or more field names, not ${shown(fields)}.`,
  )
}

/** What a transformer that names fields asks of a schema. @throws `NAME_UNKNOWN` with the nearest names. */
export function having(where: string, fields: readonly string[]): (schema: RecordSchema) => void {
  return (schema) => requireFields(where, fields, schema)
}

/** @throws `NAME_UNKNOWN` for a name that such records do not have, with the nearest ones. */
export function requireFields(where: string, fields: readonly string[], schema: RecordSchema): void {
  const known = schema.fields.map(({ name }) => name)
  for (const field of fields) {
    if (known.includes(field)) continue
    const said = `${where} names the field "${field}", which the records that come to it do not have`
    throw new DroverError('NAME_UNKNOWN', `${said}${suggestNames(field, known)}`)
  }
}

/** @throws `OPTION_INVALID` unless it is a plain object with a name or more. */
export function checkObject(where: string, what: string, value: unknown): void {
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0) return
  throw new DroverError('OPTION_INVALID', `${where}: it takes an object of ${what}, not ${shown(value)}.`)
}

/** Sets a field of a record in the making; a plain assignment to `__proto__`, which JSON may well hold, would set no field. */
export function put(record: Row, name: string, value: unknown): void {
  if (name !== '__proto__') record[name] = value
  else Object.defineProperty(record, name, { value, configurable: true, enumerable: true, writable: true })
}

/** The schema with this field: in the place of the one of its name, or at the end. */
export function withField(schema: RecordSchema, field: Field): RecordSchema {
  const at = schema.fields.findIndex(({ name }) => name === field.name)
  return { ...schema, fields: at === -1 ? [...schema.fields, field] : schema.fields.with(at, field) }
}

/** The schema with those of these fields that it has of another type; what the store called their type is gone. */
export function retyped(
  schema: RecordSchema,
  names: readonly string[],
  retype: (was: LogicalType) => LogicalType,
): RecordSchema {
  const fields = schema.fields.map((field) =>
    names.includes(field.name) ? { name: field.name, type: retype(field.type), nullable: field.nullable } : field,
  )
  return { ...schema, fields }
}
