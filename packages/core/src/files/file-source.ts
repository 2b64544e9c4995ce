import type { RecordSchema } from '../contracts/schema.js'
import { checkChoice, checkFlag, checkOptionNames, checkText, shown } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import type { JsonValues } from './json-values.js'

/** What sources of NDJSON and JSON files have in common. */
export interface FileSourceOptions {
  /** Whether the file is compressed with gzip. @default found out by its first bytes */
  readonly gzip?: boolean
  /** The field, or the fields in order, that identify a record. @default its place in the file */
  readonly key?: string | readonly string[]
  /** What the records look like. @default inferred from the file, from samples of it if it is large */
  readonly schema?: Pick<RecordSchema, 'fields'>
  /** Whether tags that stand for other values are decoded (`extended`), or objects left as they are. @default 'extended' */
  readonly values?: JsonValues
}

/** Checks them and gives the key as a list. @throws `OPTION_INVALID` */
export function checkFileSource(
  where: string,
  options: FileSourceOptions,
  places: readonly string[],
): readonly string[] {
  checkOptionNames(where, options, [...places, 'gzip', 'key', 'schema', 'values'])
  checkFlag(where, 'gzip', options.gzip)
  checkChoice(where, 'values', options.values, ['extended', 'plain'])
  const { key, schema } = options
  if (schema !== undefined && !Array.isArray((schema as { fields?: unknown } | null)?.fields)) {
    throw new DroverError('OPTION_INVALID', `${where}: schema is an object with fields, not ${shown(schema)}.`)
  }
  if (key === undefined) return []
  const fields = typeof key === 'string' ? [key] : key
  if (!Array.isArray(fields) || fields.length === 0 || new Set(fields).size < fields.length) {
    throw new DroverError('OPTION_INVALID', `${where}: key is the name of a field, or a list of different ones.`)
  }
  for (const field of fields) checkText(where, 'key', field)
  return fields
}
