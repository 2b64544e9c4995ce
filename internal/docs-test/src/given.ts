/** What examples in comments take for granted: names that a reader understands without their declaration. */

import type { BackfillerHarness, ConflictPolicy } from '@drover/conformance'
import type {
  Backfiller,
  ExactSink,
  Flow,
  NamedTransformer,
  RecordSchema,
  Report,
  Row,
  Sink,
  Source,
  StateStore,
} from '@drover/core'
import type { Migration, Migrator, SchemaModels } from '@drover/schema'
import type { TestDatabase } from '@drover/schema/testing'

export interface Message {
  readonly id: number
  readonly role: string
  readonly content: string
  readonly created_at: string
}

export interface Person {
  id: number
  name: string
}

export declare const source: Source<Person>
export declare const sink: Sink<object>
export declare const flow: Flow<Row>
export declare const report: Report
export declare const backfiller: Backfiller
export declare const migrations: readonly Migration[]
export declare const migrator: Migrator
export declare const models: SchemaModels
export declare const database: TestDatabase
export declare const state: StateStore
export declare const model: {
  embed(texts: readonly string[], options: { signal: AbortSignal }): Promise<readonly Float32Array[]>
}
export declare const index: {
  upsert(records: readonly object[], ids: readonly string[], options: { signal: AbortSignal }): Promise<void>
}
export declare function estimateTokens(text: string): number
/** Once a transformer, once a plain function. */
export declare const countTokens: ((text: string) => number) &
  NamedTransformer<{ id: number; content: string }, { id: number; tokens: number }>
export declare function repaired(record: Row): Row

/** A store of somebody who writes an adapter. */
interface MyStore {
  insert(records: readonly Row[]): Promise<void>
  all(): Promise<readonly Row[]>
  drop(): Promise<void>
}

export declare function createMyStore(schema: RecordSchema): Promise<MyStore>
export declare function createMyPlace(): Promise<{ drop(): Promise<void> }>
export declare function createMyHarness(): Promise<BackfillerHarness<void>>
export declare function mySource(options: { readonly store: MyStore }): Source
export declare function mySink(options: {
  readonly store: MyStore
  readonly onConflict?: ConflictPolicy | undefined
}): ExactSink
export declare function myStateStore(options: { readonly place: object }): StateStore
