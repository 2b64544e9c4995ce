import type { RecordSchema } from '../contracts/schema.js'
import type { Row } from '../contracts/values.js'
import { checkText } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { type BuiltIn, builtIn, checkObject, type Having, put } from './built-in.js'

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
 * A record that already has a field of the new name is rejected: one of the two values would be lost.
 *
 * @throws `OPTION_INVALID`; `TRANSFORM_FAILED` for a record with both names.
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
    fields: schema.fields.map((field) => ({ ...field, name: nameOf(field.name) })),
    key: schema.key.map(nameOf),
  })
  const run = (record: Row): Row => {
    const result: Row = {}
    for (const name of Object.keys(record)) {
      const to = nameOf(name)
      if (Object.hasOwn(result, to)) throw taken(to)
      put(result, to, record[name])
    }
    return result
  }
  return builtIn({ name: 'rename', describe }, names, run)
}

function taken(name: string): DroverError {
  return new DroverError(
    'TRANSFORM_FAILED',
    `rename: the record has a field "${name}" already, and a renamed field would take its place; omit or rename that one too.`,
  )
}
