export { type CheckpointSinkOptions, checkpointSink } from './checkpoint-sink.js'
export { type CheckpointSourceOptions, checkpointSource } from './checkpoint-source.js'
export { type DetectOptions, detectLayouts } from './detect-layouts.js'
export type { CheckpointFilterOptions } from './filters/checkpoint-filters.js'
export { addMigrationMetadata, normalizeRecordTimestamps } from './filters/record-transformers.js'
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
