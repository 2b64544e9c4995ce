import { dirname } from 'node:path'
import {
  checkChoice,
  checkNames,
  checkOptionNames,
  checkText,
  DroverError,
  type ExactSink,
  encodeJson,
  type Field,
  formatInstant,
  type LogicalType,
  outputStateStore,
  parseInstant,
  pathName,
  type RecordSchema,
  recordId,
  suggestNames,
} from '@drover/core'
import type { ParquetSinkOptions } from '@drover/export-parquet'
import { adapterOf } from '../base/adapters.js'
import { isCheckpoint } from '../filters/record-transformers.js'
import { checkKeys, type SerdeKeys } from '../serde/serde-keys.js'
import type { OpaqueCount } from '../serde/tags/opaque.js'
import { isObject } from '../serde/tags/tag.js'
import { type ExportedRecord, type ExportForm, exportSession } from './export-encoding.js'
import { showCheckpoint } from './read-checkpoint.js'
import { readMessage } from './read-message.js'

/** Options of {@link checkpointParquetSink}. */
export interface CheckpointParquetSinkOptions {
  /** A file whose name ends in `.parquet`; a folder of files, a data set, where it does not, or `partitionBy` is given. */
  readonly path: string
  /** @default 'snappy' */
  readonly compression?: 'snappy' | 'zstd' | 'gzip' | 'none'
  /** Columns that folders are named after, such as `thread_id`: they stand in the path and not in the files. */
  readonly partitionBy?: readonly string[]
  /** What encrypted values are opened with; without, they stay opaque. */
  readonly keys?: SerdeKeys
  /** What becomes of an output that is there when a run begins, as `parquetSink` has it. @default 'replace' */
  readonly onExisting?: 'replace' | 'error' | 'append'
}

const where = 'checkpointParquetSink'
const optionNames = ['path', 'compression', 'partitionBy', 'keys', 'onExisting']

/**
 * Writes checkpoints or messages as rows of Parquet, exactly once as `parquetSink` of `@drover/export-parquet` does.
 *
 * Columns: `id`, `thread_id`, `checkpoint_ns`, `checkpoint_id`, `parent_checkpoint_id`, `type`, `timestamp` (milliseconds), `checkpoint_data` (JSON as
 * bytes), `metadata` (JSON as text). Of a message, `thread_id` is its session, `checkpoint_id` its order, `type` its own, `checkpoint_data` the message.
 *
 * @throws `OPTION_INVALID`; `PACKAGE_MISSING` when it connects; what `parquetSink` throws; `RECORD_REFUSED` for a record of which a value of a known type
 * is cut off or broken
 *
 * @example
 * checkpointParquetSink({ path: 'checkpoints', partitionBy: ['thread_id'], compression: 'zstd' })
 */
export function checkpointParquetSink(options: CheckpointParquetSinkOptions): ExactSink<ExportedRecord> {
  checkOptionNames(where, options, optionNames)
  const { path, compression = 'snappy', partitionBy = [], keys = {}, onExisting = 'replace' } = options
  checkText(where, 'path', path)
  checkChoice(where, 'compression', compression, ['snappy', 'zstd', 'gzip', 'none'])
  checkNames(where, 'partitionBy', partitionBy)
  checkChoice(where, 'onExisting', onExisting, ['replace', 'error', 'append'])
  checkKeys(where, keys)
  for (const name of partitionBy) checkColumn(name)
  const settings: ParquetSinkOptions = { outputPath: path, compression, partitionBy, onExisting }
  const isFile = /\.parquet$/i.test(path) && partitionBy.length === 0
  const folder = isFile ? dirname(path) : path
  const form: ExportForm = {
    where,
    schema,
    held: schema,
    row: (record, key, opaque) => {
      const id = recordId(key)
      return isCheckpoint(record)
        ? checkpointRow(showCheckpoint(record, opaque, { keys, id }), opaque)
        : messageRow(readMessage(record, { id }), opaque)
    },
  }
  return {
    specVersion: 1,
    name: `parquet:${pathName(path)}`,
    version: JSON.stringify(['checkpoints 1', compression, ...partitionBy]),
    guarantee: 'exactly-once',
    keyed: false,
    takesOneRun: true,
    batchSize: 10_000,
    // As of parquetSink, whose package is loaded only when it is connected.
    limits: { partitions: 64 },
    stateStore: () => outputStateStore(path, folder),
    connect: async (operation) => {
      const { parquetSink } = await adapterOf('parquet')
      return exportSession(await parquetSink(settings).connect(operation), form)
    },
  }
}

const text: LogicalType = { kind: 'text' }
const columns: readonly Field[] = [
  { name: 'id', type: text, nullable: false },
  { name: 'thread_id', type: text, nullable: false },
  { name: 'checkpoint_ns', type: text, nullable: false },
  { name: 'checkpoint_id', type: text, nullable: false },
  { name: 'parent_checkpoint_id', type: text, nullable: true },
  { name: 'type', type: text, nullable: false },
  { name: 'timestamp', type: { kind: 'timestamp', zone: true, digits: 3 }, nullable: true },
  { name: 'checkpoint_data', type: { kind: 'bytes' }, nullable: false },
  { name: 'metadata', type: text, nullable: false },
]

const schema: RecordSchema = { fields: columns, key: ['id'] }

function checkColumn(name: string): void {
  const names = columns.map((column) => column.name)
  if (names.includes(name)) return
  throw new DroverError(
    'OPTION_INVALID',
    `${where}: partitionBy names "${name}", and there is no such column${suggestNames(name, names)}`,
  )
}

function checkpointRow(readable: ReturnType<typeof showCheckpoint>, opaque: OpaqueCount): object {
  const { checkpoint, pending_writes, metadata, timestamp, ...names } = readable
  const data = isObject(checkpoint) ? { ...checkpoint, pending_writes } : { checkpoint, pending_writes }
  return { ...names, timestamp: instantOf(timestamp, opaque), checkpoint_data: json(data), metadata: textOf(metadata) }
}

function messageRow(readable: ReturnType<typeof readMessage>, opaque: OpaqueCount): object {
  const { id, session_id, order, type, timestamp, metadata = {}, ...message } = readable
  const instant = instantOf(timestamp, opaque)
  return {
    id,
    thread_id: session_id,
    checkpoint_ns: '',
    checkpoint_id: String(order),
    parent_checkpoint_id: null,
    type,
    timestamp: instant,
    checkpoint_data: json({ ...message, type, ...(instant === null && timestamp !== null ? { timestamp } : {}) }),
    metadata: textOf(metadata),
  }
}

/** To the millisecond: what is finer stays in the checkpoint itself. A text that is no instant stands there alone. */
function instantOf(timestamp: string | null, opaque: OpaqueCount): string | null {
  if (timestamp === null) return null
  const instant = parseInstant(timestamp)
  if (instant !== null && Math.abs(instant.seconds) <= 8.64e12) {
    return formatInstant({ seconds: instant.seconds, nanos: instant.nanos - (instant.nanos % 1e6) })
  }
  opaque.add('timestamp')
  return null
}

function json(value: unknown): Uint8Array {
  return new Uint8Array(Buffer.from(textOf(value)))
}

function textOf(value: unknown): string {
  return encodeJson(value, { values: 'plain' })
}
