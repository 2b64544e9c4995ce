export { type CheckpointSinkOptions, checkpointSink } from './checkpoint-sink.js'
export { type CheckpointSourceOptions, checkpointSource } from './checkpoint-source.js'
export { type DetectOptions, detectLayouts } from './detect-layouts.js'
export { type CheckpointJsonSinkOptions, checkpointJsonSink } from './export/checkpoint-json-sink.js'
export { type CheckpointParquetSinkOptions, checkpointParquetSink } from './export/checkpoint-parquet-sink.js'
export {
  type ReadableCheckpoint,
  type ReadableWrite,
  type ReadRecordOptions,
  readCheckpoint,
} from './export/read-checkpoint.js'
export { type ReadableMessage, readMessage } from './export/read-message.js'
export { type CheckpointFilterOptions, checkpointFilters, type FilteredRecords } from './filters/checkpoint-filters.js'
export {
  addMigrationMetadata,
  normalizeRecordTimestamps,
} from './filters/record-transformers.js'
export type {
  CheckpointLayoutName,
  LayoutFinding,
  LayoutName,
  LayoutOptions,
  LayoutSinkOptions,
  MessageLayoutName,
} from './layouts/layout.js'
export type { StorePlace } from './layouts/store-place.js'
export type { CheckpointRecord, CheckpointState, PendingWrite, SealedState } from './records/checkpoint-record.js'
export type { MessageRecord } from './records/message-record.js'
export type { StoredValue } from './records/stored-value.js'
export { type ReadValueOptions, readValue, type Shown } from './serde/read-value.js'
export type { SerdeKeys } from './serde/serde-keys.js'
