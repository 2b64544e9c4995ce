import {
  checkChoice,
  checkFlag,
  checkNames,
  checkOptionNames,
  checkText,
  checkWholeNumber,
  DroverError,
  shown,
} from '@drover/core'
import type { ColumnTypes } from '../columns/plan-table.js'
import { parquetType } from '../columns/type-names.js'
import type { ParquetCompression } from '../encode/compression.js'
import { isParquetName } from '../parquet-name.js'
import type { RowGroupLimits } from './lane-batch.js'

/** Options of {@link parquetSink}. */
export interface ParquetSinkOptions {
  /**
   * Where it goes. A path that ends in `.parquet`, in capitals or not, is one file, unless `partitionBy` is given; any other one is a folder of files, a data set.
   * Folders that are missing are made; the folder `.drover`, in the data set or beside the file, keeps what a run has written so far.
   */
  readonly outputPath: string
  /**
   * Fields by whose values the folders of a data set are made, as Hive does: `thread_id=7/`. They stand in the path and not in the files.
   * Texts, integers, decimals, booleans, dates, times, timestamps and UUIDs can name a folder.
   */
  readonly partitionBy?: readonly string[]
  /** How pages are compressed. @default 'snappy' */
  readonly compression?: ParquetCompression
  /** A row group is full when its columns take so many bytes in memory, uncompressed, or has `rowGroupRows`. @default 16777216 */
  readonly rowGroupBytes?: number
  /** A row group is full when it has so many rows. @default 122880 */
  readonly rowGroupRows?: number
  /** In a data set: a file is full when it has so many bytes, and the next one begins. @default 536870912 */
  readonly fileBytes?: number
  /** What columns are to hold, whatever the source says: `{ price: 'decimal(12,2)', tags: 'json' }`. A value that does not fit is refused. */
  readonly types?: ColumnTypes
  /** Where the source does not describe its records: so many are looked at before the columns are settled. @default 1000 */
  readonly sampleRecords?: number
  /**
   * What becomes of an output that is there when a run begins: it is replaced, as a whole; or the run fails; or the run adds to it, and
   * needs to have the same columns. An incremental run adds to it either way. In a folder only files that a manifest of Drover names are
   * ever removed.
   *
   * @default 'replace'
   */
  readonly onExisting?: 'replace' | 'error' | 'append'
  /** `partitionBy` that makes more folders than that is an error: it is likely to be the wrong column. @default 10000 */
  readonly maxFolders?: number
  /** Folders whose rows are kept in memory until they are a row group; those of others are read back for that. @default 64 */
  readonly openFolders?: number
  /** Write `_manifest.json` into a data set, or `<file>.manifest.json` beside one file: its files with rows, bytes and SHA-256, its columns. @default true */
  readonly manifest?: boolean
}

/** The options with their defaults. */
export interface Settings {
  readonly outputPath: string
  readonly kind: 'file' | 'folder'
  readonly partitionBy: readonly string[]
  readonly compression: ParquetCompression
  readonly rowGroupRows: number
  readonly limits: RowGroupLimits
  readonly fileBytes: number
  readonly types: ColumnTypes
  readonly sampleRecords: number
  readonly onExisting: 'replace' | 'error' | 'append'
  readonly maxFolders: number
  readonly openFolders: number
  readonly manifest: boolean
}

const optionNames: readonly (keyof ParquetSinkOptions)[] = [
  'outputPath',
  'partitionBy',
  'compression',
  'rowGroupBytes',
  'rowGroupRows',
  'fileBytes',
  'types',
  'sampleRecords',
  'onExisting',
  'maxFolders',
  'openFolders',
  'manifest',
]
const compressions: readonly ParquetCompression[] = ['snappy', 'zstd', 'gzip', 'none']
const sink = 'parquetSink'

/** @throws `OPTION_INVALID` */
export function checkParquetSinkOptions(options: ParquetSinkOptions): Settings {
  checkOptionNames(sink, options, optionNames)
  const { outputPath, partitionBy = [], types = {} } = options
  checkText(sink, 'outputPath', outputPath)
  checkNames(sink, 'partitionBy', partitionBy)
  checkChoice(sink, 'compression', options.compression, compressions)
  checkWholeNumber(sink, 'rowGroupBytes', options.rowGroupBytes, 1)
  checkWholeNumber(sink, 'rowGroupRows', options.rowGroupRows, 1)
  checkWholeNumber(sink, 'fileBytes', options.fileBytes, 1)
  checkWholeNumber(sink, 'sampleRecords', options.sampleRecords, 1)
  checkChoice(sink, 'onExisting', options.onExisting, ['replace', 'error', 'append'])
  checkWholeNumber(sink, 'maxFolders', options.maxFolders, 1)
  checkWholeNumber(sink, 'openFolders', options.openFolders, 1)
  checkFlag(sink, 'manifest', options.manifest)
  checkTypes(types)
  const twice = partitionBy.find((name, i) => partitionBy.indexOf(name) < i)
  if (twice !== undefined) throw new DroverError('OPTION_INVALID', `${sink}: partitionBy names "${twice}" twice.`)
  const kind = isParquetName(outputPath) && partitionBy.length === 0 ? 'file' : 'folder'
  if (kind === 'file' && options.fileBytes !== undefined) {
    throw new DroverError(
      'OPTION_INVALID',
      `${sink}: fileBytes parts a data set into files, and outputPath names one file. Name a folder: a path that does not end in .parquet.`,
    )
  }
  const { rowGroupBytes = 16 * 1024 * 1024, rowGroupRows = 122_880 } = options
  return {
    outputPath,
    kind,
    partitionBy,
    types,
    rowGroupRows,
    limits: { bytes: rowGroupBytes, rows: rowGroupRows },
    compression: options.compression ?? 'snappy',
    fileBytes: options.fileBytes ?? 512 * 1024 * 1024,
    sampleRecords: options.sampleRecords ?? 1_000,
    onExisting: options.onExisting ?? 'replace',
    maxFolders: options.maxFolders ?? 10_000,
    openFolders: options.openFolders ?? 64,
    manifest: options.manifest ?? true,
  }
}

function checkTypes(types: ColumnTypes): void {
  if (typeof types !== 'object' || types === null || Array.isArray(types)) {
    throw new DroverError(
      'OPTION_INVALID',
      `${sink}: types is an object of types by the names of fields, not ${shown(types)}.`,
    )
  }
  for (const [name, type] of Object.entries(types)) parquetType(type, `${sink}: types: "${name}"`)
}
