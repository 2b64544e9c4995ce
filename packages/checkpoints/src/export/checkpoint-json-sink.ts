import {
  checkFlag,
  checkOptionNames,
  checkText,
  checkWholeNumber,
  type ExactSink,
  type Field,
  jsonSink,
  recordId,
} from '@drover/core'
import { isCheckpoint } from '../filters/record-transformers.js'
import { checkKeys, type SerdeKeys } from '../serde/serde-keys.js'
import { type ExportedRecord, type ExportForm, exportSession } from './export-encoding.js'
import { showCheckpoint } from './read-checkpoint.js'
import { readMessage } from './read-message.js'

/** Options of {@link checkpointJsonSink}. */
export interface CheckpointJsonSinkOptions {
  /** The folder that the files are written to. It is made if it is missing. */
  readonly outputDir: string
  /** One file, `checkpoints_export.json`, in place of one for each batch, `checkpoints_export_batch_0001.json` and so on. @default false */
  readonly singleFile?: boolean
  /** Spaces per level; 0 writes a record per line. @default 2 */
  readonly indent?: number
  /** Compress the files: their names end in `.json.gz`, that of a single one too. @default false */
  readonly gzip?: boolean
  /** What encrypted values are opened with; without, they stay opaque. */
  readonly keys?: SerdeKeys
  /** What becomes of files that are there already when a run begins, as `jsonSink` has it. */
  readonly onExisting?: 'replace' | 'error'
}

const where = 'checkpointJsonSink'
const optionNames = ['outputDir', 'singleFile', 'indent', 'gzip', 'keys', 'onExisting']
const envelope = { member: 'checkpoints', before: { metadata: { format: 'drover-checkpoints', version: 1 } } }

/**
 * Writes checkpoints or messages as JSON for people and other programs, exactly once as `jsonSink` does: `{ "metadata": { … }, "checkpoints": [ … ] }`.
 * Values are decoded inertly; those that stay opaque are counted by type in the report's account.
 *
 * @throws `OPTION_INVALID`; what `jsonSink` throws; `RECORD_REFUSED` for a record of which a value of a known type is cut off or broken
 *
 * @example
 * checkpointJsonSink({ outputDir: 'exports', singleFile: true })
 */
export function checkpointJsonSink(options: CheckpointJsonSinkOptions): ExactSink<ExportedRecord> {
  checkOptionNames(where, options, optionNames)
  const { outputDir, singleFile = false, indent = 2, gzip = false, keys = {}, onExisting } = options
  checkText(where, 'outputDir', outputDir)
  checkFlag(where, 'singleFile', singleFile)
  checkFlag(where, 'gzip', gzip)
  checkWholeNumber(where, 'indent', indent, 0)
  checkKeys(where, keys)
  const inner = jsonSink({
    ...(singleFile
      ? { path: `${outputDir}/checkpoints_export.json${gzip ? '.gz' : ''}` }
      : { directory: outputDir, fileName: 'checkpoints_export_batch_####' }),
    envelope,
    indent,
    gzip,
    values: 'plain',
    ...(onExisting === undefined ? {} : { onExisting }),
  })
  const form: ExportForm = {
    where,
    schema: { fields: columns, key: ['id'] },
    held: { fields: members.map((name) => ({ name, type: { kind: 'any' }, nullable: true })), key: ['id'] },
    row: (record, key, opaque) => {
      const id = recordId(key)
      return isCheckpoint(record) ? showCheckpoint(record, opaque, { keys, id }) : readMessage(record, { id })
    },
  }
  return {
    ...inner,
    version: `${inner.version ?? 'json'}; checkpoints 1`,
    // Each batch is a file.
    ...(singleFile ? {} : { batchSize: 1000 }),
    connect: async (operation) => exportSession(await inner.connect(operation), form),
  }
}

const columns: readonly Field[] = ['id', 'timestamp', 'checkpoint', 'content', 'metadata'].map((name) => ({
  name,
  type: { kind: 'json' },
  nullable: true,
}))

/** Of a checkpoint, and of a message. */
const members = [
  ...['id', 'thread_id', 'checkpoint_ns', 'checkpoint_id', 'parent_checkpoint_id', 'type', 'timestamp', 'checkpoint'],
  ...['metadata', 'pending_writes', 'session_id', 'order', 'content', 'text', 'tool_calls', 'data'],
]
