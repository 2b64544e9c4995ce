export type {
  BackfillerCapabilities,
  BackfillerHarness,
  BackfillerHarnessFactory,
} from './backfill/backfiller-harness.js'
export { backfillerSuite } from './backfill/backfiller-suite.js'
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
