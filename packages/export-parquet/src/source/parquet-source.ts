import {
  checkChoice,
  checkNames,
  checkOptionNames,
  checkText,
  DroverError,
  type LogicalType,
  pathName,
  type Source,
} from '@drover/core'
import { type ParquetTypeName, parquetType } from '../columns/type-names.js'
import { FileSet } from './file-set.js'
import { ParquetSession } from './source-session.js'

/** Options of {@link parquetSource}. */
export interface ParquetSourceOptions {
  /**
   * A file, or a folder: then all files below it whose names end in `.parquet`, in capitals or not, are read as one, in the order of the manifest, else of their names. Names that
   * begin with `.` or `_` do not count.
   */
  readonly path: string
  /** The field, or the fields in order, that identify a record. @default the key that `parquetSink` stored, else the place in the file */
  readonly key?: string | readonly string[]
  /** The columns to read, in this order; others are not touched. @default all */
  readonly columns?: readonly string[]
  /**
   * What columns hold, where the files do not say: those that stand in the names of folders (`day=2024-02-29/`) are text without it, and
   * lists of floats may be vectors: `{ day: 'date', embedding: 'vector(384)' }`.
   */
  readonly types?: Readonly<Record<string, ParquetTypeName | LogicalType>>
  /**
   * Whether the `_manifest.json` that `parquetSink` wrote decides which files count (`use`), or all files of the folder do (`ignore`).
   *
   * @default 'use'
   */
  readonly manifest?: 'use' | 'ignore'
}

/**
 * Reads a Parquet file, a folder of them, or a Hive-partitioned data set, row group by row group. Values are exact: integers beyond
 * ±2^53 are `bigint`, decimals and times text, bytes `Uint8Array`, maps lists of their pairs. Files of a set may have their columns in
 * another order, and lack one that may be null. A text that is no valid UTF-8, and JSON that is none, reject their record as
 * `RECORD_UNREADABLE`; a damaged page ends the run, because nobody can say which records it held.
 *
 * Equality, ranges of numbers and times, `in` and `isNull` are pushed down: row groups whose statistics exclude them are not read.
 *
 * A later incremental run reads files whose names come after the last one that was read; if a file up to there was changed, it is refused.
 *
 * @throws `OPTION_INVALID`; while connecting `NAME_UNKNOWN` (a column), `SOURCE_NOT_FOUND`, `SOURCE_INVALID` (not Parquet, cut
 * short, encrypted, files of a set or its manifest that do not fit together), `STORE_DENIED`; while reading also `STATE_INVALID` (a cursor
 * that is not its own) and `SOURCE_INVALID` (a damaged page, a codec that is not known, a set that was changed since the run was begun).
 *
 * @example
 * from(parquetSource({ path: 'out/messages.parquet', columns: ['id', 'role', 'content'] }))
 * @example
 * from(parquetSource({ path: 'out/events', key: 'id', types: { day: 'date' } })).filter({ day: { gte: '2024-01-01' } })
 */
export function parquetSource(options: ParquetSourceOptions): Source {
  const where = 'parquetSource'
  checkOptionNames(where, options, ['path', 'key', 'columns', 'types', 'manifest'])
  const { path, columns, manifest = 'use' } = options
  checkText(where, 'path', path)
  checkNames(where, 'columns', columns, 1)
  checkChoice(where, 'manifest', manifest, ['use', 'ignore'])
  const wishes = {
    columns,
    types: typesOf(where, options.types),
    key: keyOf(where, options.key),
    usesManifest: manifest === 'use',
  }
  return {
    specVersion: 1,
    name: `parquet:${pathName(path)}`,
    connect: async ({ signal }) => new ParquetSession(await FileSet.open(path, wishes, signal)),
  }
}

function typesOf(where: string, types: ParquetSourceOptions['types']): ReadonlyMap<string, LogicalType> {
  if (types === undefined) return new Map()
  if (typeof types !== 'object' || types === null || Array.isArray(types)) {
    throw new DroverError('OPTION_INVALID', `${where}: types is an object such as { day: 'date' }.`)
  }
  return new Map(Object.entries(types).map(([name, type]) => [name, parquetType(type, `${where}: types: "${name}"`)]))
}

function keyOf(where: string, key: ParquetSourceOptions['key']): readonly string[] | undefined {
  if (key === undefined) return undefined
  const fields = typeof key === 'string' ? [key] : key
  checkNames(where, 'key', fields, 1)
  if (new Set(fields).size === fields.length) return fields
  throw new DroverError('OPTION_INVALID', `${where}: key names a field twice.`)
}
