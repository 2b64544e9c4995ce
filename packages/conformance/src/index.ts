export type {
  BackfillerCapabilities,
  BackfillerHarness,
  BackfillerHarnessFactory,
} from './backfill/backfiller-harness.js'
export { backfillerSuite } from './backfill/backfiller-suite.js'
export { type CrashOptions, type CrashReport, crashHarness } from './crash/crash-harness.js'
export type { CrashLife, CrashPair } from './crash/crash-pair.js'
export type { Landed } from './crash/timing.js'
export type { KillModelReport } from './kill-model/every-step.js'
export { type KillModelHarness, type KillModelOptions, killModel } from './kill-model/kill-model.js'
export type { Exclusive } from './kill-model/life.js'
export type { RefusalKind } from './kill-model/refusals.js'
export { ackSinkSuite } from './sink/ack-sink-suite.js'
export { exactSinkSuite } from './sink/exact-sink-suite.js'
export type {
  AckSinkHarness,
  AckSinkHarnessFactory,
  ConflictPolicy,
  ExactSinkCapabilities,
  ExactSinkHarness,
  ExactSinkHarnessFactory,
  SinkCapabilities,
  SinkHarness,
  SinkStoreOptions,
} from './sink/sink-harness.js'
export type { SourceCapabilities, SourceHarness, SourceHarnessFactory } from './source/source-harness.js'
export { sourceSuite } from './source/source-suite.js'
export type {
  StateStoreCapabilities,
  StateStoreHarness,
  StateStoreHarnessFactory,
  TransactionalHarness,
  TransactionalHarnessFactory,
} from './state-store/state-store-harness.js'
export { stateStoreSuite } from './state-store/state-store-suite.js'
export { transactionalStateStoreSuite } from './state-store/transactional-state-store-suite.js'
export { canonical } from './support/canonical.js'
export { type CompareOptions, differences } from './support/differences.js'
export type { KeyKind } from './support/shapes.js'
export { type ValueSet, type ValueSetName, valueSets } from './support/value-sets.js'
export { type CheckedStep, type CheckTransformerOptions, checkTransformer } from './transformer/check-transformer.js'
