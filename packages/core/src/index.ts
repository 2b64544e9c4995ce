export type { Backfiller, BackfillResult } from './contracts/backfiller.js'
export type {
  Database,
  DatabaseContents,
  DatabaseSession,
  DatabaseTable,
  ForeignKey,
  LeftOut,
  ReferentialAction,
  TableFindings,
  TableProblem,
  TableWriting,
} from './contracts/database.js'
export type { Progress, RunEvents, Throttled } from './contracts/events.js'
export type { FieldCondition, Filter, FilterValue } from './contracts/filter.js'
export type { HealthCheck, HealthReading, HealthSignal } from './contracts/health.js'
export type { Logger } from './contracts/logger.js'
export type { Columns, ColumnWriter, Page, Pouring, RecordKey, SourceReject } from './contracts/page.js'
export type { Claim, Commit, Counts, Partition, Position } from './contracts/position.js'
export type {
  KeptRecord,
  PartitionReport,
  RejectedRecord,
  RejectStage,
  Report,
  SinkAccount,
  Warning,
} from './contracts/report.js'
export type { FidelityIssue, Field, LogicalType, RecordSchema } from './contracts/schema.js'
export type {
  AckSession,
  AckSink,
  Batch,
  CommitBatch,
  ExactSession,
  ExactSink,
  Guarantee,
  Outcome,
  Rehearsal,
  Removing,
  Sink,
  SinkOperation,
} from './contracts/sink.js'
export type { Count, ReadOptions, Source, SourceSession } from './contracts/source.js'
export type { Ask, Blocker, ConnectOperation, Stall, StoreWait, WaitingFor } from './contracts/stall.js'
export type {
  Control,
  Held,
  Lease,
  NewRun,
  RunLease,
  RunState,
  RunStatus,
  Settlement,
  StateStore,
  TransactionalStateStore,
} from './contracts/state-store.js'
export type { Cursor, JsonValue, MaybePromise, Operation, Row } from './contracts/values.js'
export { type BrokenKey, foreignKeysBroken } from './database/broken-keys.js'
export { type CopyDatabaseOptions, copyDatabase, databaseCopy, startDatabaseCopy } from './database/copy-database.js'
export type { DeadLetter, DeadLetterStore, DeadLetterWriter } from './dead-letters/dead-letter.js'
export { deadLetterFolder, pruneDeadLetters } from './dead-letters/dead-letter-folder.js'
export { deadLetterSchema, deadLetterSink } from './dead-letters/dead-letter-sink.js'
export { type DeadLetterSourceOptions, deadLetterSource } from './dead-letters/dead-letter-source.js'
export type { Deletes } from './deletes/deletes-option.js'
export { namesIn, readIfThere, syncFolder } from './disk/durable.js'
export { systemCode } from './disk/file-error.js'
export { makePath } from './disk/make-path.js'
export { pathName } from './disk/path-name.js'
export { safeName } from './disk/safe-name.js'
export { type DryRunOptions, dryRun } from './dry-run/dry-run.js'
export type { DryRunReport, Forecast, Interval, Problem, SampledRecord } from './dry-run/dry-run-report.js'
export { formatDryRun } from './dry-run/format-dry-run.js'
export type { LiveRun } from './engine/live-run.js'
export type {
  BackfillOptions,
  FlowBackfill,
  FlowBackfillOptions,
  PipelineOptions,
  RunOptions,
  TransactionalBackfillOptions,
} from './engine/options.js'
export { abortError } from './engine/retry.js'
export { runBackfill, startBackfill } from './engine/run-backfill.js'
export type { RunSettings } from './engine/run-control.js'
export type { RunEventSource } from './engine/run-emitter.js'
export { definePipeline, runPipeline, startPipeline } from './engine/run-pipeline.js'
export type { Telling } from './engine/telling.js'
export {
  checkChoice,
  checkFlag,
  checkNames,
  checkOptionNames,
  checkText,
  checkWholeNumber,
  shown,
} from './errors/check-options.js'
export { type ErrorCode, errorCodes } from './errors/codes.js'
export { DroverError, type DroverErrorOptions } from './errors/drover-error.js'
export { behindRows, joinRefusals } from './errors/join-refusals.js'
export { nearestNames, suggestNames } from './errors/nearest.js'
export { connectionBroke, type FailureMeaning, networkFailures } from './errors/network-failures.js'
export { checkOnConflict, type OnConflict } from './errors/on-conflict.js'
export { redactSecrets } from './errors/redact.js'
export { refuseType, shownValue, ValueRefused } from './errors/value-refused.js'
export { type JsonLines, JsonLinesPage } from './files/json-lines-page.js'
export { type JsonSinkOptions, jsonSink } from './files/json-sink.js'
export { type JsonSourceOptions, jsonSource } from './files/json-source.js'
export { decodeJson, encodeJson, type JsonEncoding, type JsonValues } from './files/json-values.js'
export { type NdjsonSinkOptions, ndjsonSink } from './files/ndjson-sink.js'
export { type NdjsonSourceOptions, ndjsonSource } from './files/ndjson-source.js'
export { inputError, outputError } from './files/output-error.js'
export { locateFile, locateFolder, makeFolders, type OutputLocation } from './files/output-location.js'
export { outputStateStore } from './files/output-state-store.js'
export { type Making, missingFor } from './files/rehearse-files.js'
export { fenced } from './files/staging/fenced.js'
export { identityOf, identityOfOpen, isSameFile } from './files/staging/file-identity.js'
export type { ExistingOutput, FileIdentity, Manifest, Part, StaleFile } from './files/staging/manifest.js'
export type { ManifestLog } from './files/staging/manifest-log.js'
export { MissingOutput } from './files/staging/missing-output.js'
export { PartFile, writeFully } from './files/staging/part-file.js'
export { type Beginning, PartitionStage, type PartitionStageOptions } from './files/staging/partition-stage.js'
export {
  assembling,
  dropAssembled,
  type Placement,
  StagedOutput,
  type StagedPartition,
  stagedPartitions,
} from './files/staging/staged-output.js'
export { checkFilter } from './filters/check-filter.js'
export { comparesAsInstant } from './filters/compare.js'
export { compileFilter } from './filters/compile-filter.js'
export { allOf, conjunctsOf } from './filters/conjuncts.js'
export { type Emitted, type Flow, from, isFlow, type Step } from './flow/flow.js'
export type {
  BatchTransform,
  NamedStep,
  NamedTransformer,
  StepFunction,
  TransformContext,
  Transformer,
  TransformerOptions,
  TransformerTraits,
} from './flow/transformer.js'
export { transformer } from './flow/transformer-factory.js'
export { recordId } from './identity/record-id.js'
export { keyValues } from './memory/key-values.js'
export { type MemoryAckSink, type MemoryAckSinkOptions, memoryAckSink } from './memory/memory-ack-sink.js'
export { type MemorySink, type MemorySinkOptions, memorySink, type RefusalOptions } from './memory/memory-sink.js'
export { type MemorySourceOptions, memorySource } from './memory/memory-source.js'
export { type MemoryStore, memoryStore } from './memory/memory-store.js'
export { type Operator, operate } from './operate/operate.js'
export type { Activity, RunHolder, RunOverview } from './operate/run-overview.js'
export {
  type DelimitedField,
  DelimitedPage,
  type DelimitedRecords,
  type DelimitedValue,
  delimitedForm,
} from './pages/delimited-page.js'
export { replay, startReplay } from './replay/replay.js'
export { formatReport } from './report/format-report.js'
export { attachProgress, formatProgress } from './report/progress-line.js'
export { inferSchema } from './schema/infer-schema.js'
export { type SinkContext, type SinkOptions, sink } from './sinks/sink.js'
export { backfillTask } from './startup/backfill-task.js'
export { type EnsureFinishedOptions, ensureFinished } from './startup/ensure-finished.js'
export { onStartup, type StartupOptions, type StartupReport, type TaskReport } from './startup/on-startup.js'
export { type OnceTaskOptions, onceTask } from './startup/once-task.js'
export { pipelineTask } from './startup/pipeline-task.js'
export type { StartupContext, StartupTask, TaskResult } from './startup/startup-task.js'
export { changedControl, settledControl } from './state/changed-control.js'
export { type DirectoryStateStoreOptions, directoryStateStore } from './state/directory-state-store.js'
export { isHolderGone } from './state/holder.js'
export { type MemoryStateStoreOptions, memoryStateStore } from './state/memory-state-store.js'
export type { AdaptiveOptions } from './throttle/adaptive-size.js'
export { type EventLoopDelayOptions, eventLoopDelay } from './throttle/event-loop-delay.js'
export { type HeapUsedOptions, heapUsed } from './throttle/heap-used.js'
export type { ThrottleOptions } from './throttle/throttle-options.js'
export type { RunWindow } from './throttle/windows.js'
export { formatInstant, type Instant, type InstantText, instantOfDate, parseInstant } from './time/instant.js'
export {
  type AddMetadataTransformer,
  addMetadata,
  type Migrated,
  type WithMetadata,
} from './transformers/add-metadata.js'
export type { BuiltIn, Having } from './transformers/built-in.js'
export { type BuiltInTransformerName, builtInTransformers, transformerByName } from './transformers/by-name.js'
export { type Defaulted, type DefaultsTransformer, defaults } from './transformers/defaults.js'
export { type MaskOptions, type MaskTransformer, mask } from './transformers/mask.js'
export {
  type EpochUnit,
  type NormalizeTimestampsOptions,
  type NormalizeTimestampsTransformer,
  normalizeTimestamps,
  type WithTimestamps,
} from './transformers/normalize-timestamps.js'
export { type OmitTransformer, omit, type PickTransformer, pick } from './transformers/pick.js'
export { type Renamed, type RenameTransformer, rename } from './transformers/rename.js'
export { type SetFieldOptions, type SetFieldTransformer, setField } from './transformers/set-field.js'
export { UndoAccount, Undone } from './undo/undo-account.js'
export { checkUndo, defaultUndoDays, type UndoOptions, undoOptions } from './undo/undo-options.js'
export { formatVerification } from './verify/format-verification.js'
export { type RowComparison, rowComparison } from './verify/row-comparison.js'
export type { Tolerance, VerifyTolerance } from './verify/tolerance.js'
export {
  type Difference,
  type ReadsBackAs,
  type Verification,
  type VerifiedSide,
  type VerifyOptions,
  verify,
} from './verify/verify.js'
