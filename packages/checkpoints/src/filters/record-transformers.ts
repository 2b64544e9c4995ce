import { addMetadata, type JsonValue, type NamedTransformer, normalizeTimestamps, transformer } from '@drover/core'
import type { CheckpointRecord } from '../records/checkpoint-record.js'
import type { MessageRecord } from '../records/message-record.js'

type AnyRecord = CheckpointRecord | MessageRecord

/**
 * Adds when the run started as `migrated_at`: to the metadata of a checkpoint, and to `additional_kwargs` of a message, where LangChain keeps what is
 * not its own. It is the same in every attempt of a run.
 */
export function addMigrationMetadata(): NamedTransformer<AnyRecord, AnyRecord> {
  const add = addMetadata()
  return transformer({
    name: 'addMigrationMetadata',
    version: '1',
    describe: (schema) => schema,
    transform: (record: AnyRecord, context): AnyRecord => {
      if (isCheckpoint(record)) return add(record, context) as CheckpointRecord
      const { metadata } = add({ metadata: kwargsOf(record) }, context)
      return { ...record, data: { ...record.data, additional_kwargs: metadata as JsonValue } }
    },
  })
}

/**
 * Writes the timestamp of a checkpoint, or `created_at` of a message, as ISO 8601 in UTC. What a checkpoint holds itself stays as its library wrote it.
 */
export function normalizeRecordTimestamps(): NamedTransformer<AnyRecord, AnyRecord> {
  const checkpoints = normalizeTimestamps(['timestamp'])
  const messages = normalizeTimestamps(['created_at'])
  return transformer({
    name: 'normalizeRecordTimestamps',
    version: '1',
    describe: (schema) => schema,
    transform: (record: AnyRecord): AnyRecord =>
      isCheckpoint(record) ? (checkpoints(record) as CheckpointRecord) : (messages(record) as MessageRecord),
  })
}

/** Checkpoints and messages are told apart by what only one of them has. */
export function isCheckpoint(record: object): record is CheckpointRecord {
  return 'checkpoint_id' in record
}

function kwargsOf({ data }: MessageRecord): object {
  const kwargs = data.additional_kwargs
  return typeof kwargs === 'object' && kwargs !== null && !Array.isArray(kwargs) ? kwargs : {}
}
