import type { Field, LogicalType, RecordSchema } from '../contracts/schema.js'
import type { Row } from '../contracts/values.js'
import { checkText } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { type BuiltIn, builtIn, checkObject, type Having, put, requireFields } from './built-in.js'

/** A record with some of its fields under other names. */
export type Renamed<R, M> = { [K in keyof R as K extends keyof M ? M[K] & PropertyKey : K]: R[K] }

/** What `rename` gives. */
export interface RenameTransformer<M> extends BuiltIn {
  <R extends Having<R, keyof M & string>>(record: R): Renamed<R, M>
}

/**
 * Gives fields other names; order and values stay. All names change at once, so two fields can swap theirs.
 *
 * ```ts
 * rename({ created_at: 'createdAt' })
 * ```
 *
 * A record that already has a field of the new name is rejected: one of the two values would be lost. Where the source says that all of them
 * have, or that none has a field of the old one, the run does not begin.
 *
 * @throws `OPTION_INVALID`, `NAME_UNKNOWN` when the run begins; `TRANSFORM_FAILED` for a record with both names.
 */
export function rename<const M extends Readonly<Record<string, string>>>(names: M): RenameTransformer<M> {
  checkObject('rename', 'new names by the old ones', names)
  const renamed = new Map<string, string>(Object.entries(names))
  for (const [from, to] of renamed) checkText('rename', `the new name of "${from}"`, to)
  if (new Set(renamed.values()).size < renamed.size) {
    throw new DroverError(
      'OPTION_INVALID',
      'rename: two fields get the same name; one of the two values would be lost.',
    )
  }
  const nameOf = (name: string) => renamed.get(name) ?? name
  const describe = (schema: RecordSchema) => ({
    ...schema,
    fields: merged(schema.fields.map((field) => ({ ...field, name: nameOf(field.name) }))),
    key: schema.key.map(nameOf),
  })
  const check = (schema: RecordSchema) => {
    requireFields('rename', [...renamed.keys()], schema)
    const present = schema.fields.find(({ name }) => [...renamed.values()].includes(name) && !renamed.has(name))
    if (present !== undefined) throw taken('OPTION_INVALID', 'the records have', present.name)
  }
  const run = (record: Row): Row => {
    const result: Row = {}
    for (const name of Object.keys(record)) {
      const to = nameOf(name)
      if (Object.hasOwn(result, to)) throw taken('TRANSFORM_FAILED', 'the record has', to)
      put(result, to, record[name])
    }
    return result
  }
  return builtIn({ name: 'rename', describe, check }, names, run)
}

/** One field of each name: records that were looked at may have had the one or the other. */
function merged(fields: readonly Field[]): Field[] {
  const byName = new Map<string, Field>()
  for (const field of fields) {
    const before = byName.get(field.name)
    const type: LogicalType = before?.type.kind === field.type.kind ? field.type : { kind: 'any' }
    byName.set(field.name, before === undefined ? field : { name: field.name, type, nullable: true })
  }
  return [...byName.values()]
}

function taken(code: 'OPTION_INVALID' | 'TRANSFORM_FAILED', whose: string, name: string): DroverError {
  return new DroverError(
    code,
    `rename: ${whose} a field "${name}" already, and a renamed field would take its place; omit or rename that one too.`,
  )
}
