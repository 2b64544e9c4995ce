import type { Field, RecordSchema } from '../contracts/schema.js'
import type { Row } from '../contracts/values.js'
import { type BuiltIn, builtIn, checkFields, type Having, having, put } from './built-in.js'

/** What `pick` gives. */
export interface PickTransformer<F extends string> extends BuiltIn {
  <R extends Having<R, F>>(record: R): Pick<R, F & keyof R>
}

/** What `omit` gives. */
export interface OmitTransformer<F extends string> extends BuiltIn {
  <R extends object>(record: R): Omit<R, F>
}

/**
 * Keeps these fields alone, in this order. A record that lacks one goes on without it.
 *
 * @throws `OPTION_INVALID`; `NAME_UNKNOWN` when the run begins, if the source says that no record has such a field
 */
export function pick<const F extends string>(fields: readonly F[]): PickTransformer<F> {
  checkFields('pick', fields)
  const names: readonly string[] = [...new Set(fields)]
  const describe = (schema: RecordSchema) =>
    withFields(
      schema,
      names.flatMap((name) => schema.fields.filter((field) => field.name === name)),
    )
  const run = (record: Row): Row => {
    const picked: Row = {}
    for (const name of names) if (Object.hasOwn(record, name)) put(picked, name, record[name])
    return picked
  }
  return builtIn({ name: 'pick', describe, check: having('pick', names) }, names, run)
}

/**
 * Leaves these fields out, and keeps all others.
 *
 * @throws `OPTION_INVALID`; `NAME_UNKNOWN` when the run begins, if the source says that no record has such a field
 */
export function omit<const F extends string>(fields: readonly F[]): OmitTransformer<F> {
  checkFields('omit', fields)
  const names: ReadonlySet<string> = new Set(fields)
  const describe = (schema: RecordSchema) =>
    withFields(
      schema,
      schema.fields.filter((field) => !names.has(field.name)),
    )
  const run = (record: Row): Row => {
    const kept: Row = {}
    for (const name of Object.keys(record)) if (!names.has(name)) put(kept, name, record[name])
    return kept
  }
  return builtIn({ name: 'omit', describe, check: having('omit', [...names]) }, [...names], run)
}

/** Without all of its fields a key identifies nothing any more. */
function withFields(schema: RecordSchema, fields: readonly Field[]): RecordSchema {
  const names = new Set(fields.map((field) => field.name))
  return { fields, key: schema.key.every((name) => names.has(name)) ? schema.key : [] }
}
