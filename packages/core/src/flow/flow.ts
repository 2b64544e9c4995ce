import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Filter } from '../contracts/filter.js'
import type { Source } from '../contracts/source.js'
import type { MaybePromise, Row } from '../contracts/values.js'
import { flowOf } from './flow-of.js'
import type { TransformContext } from './transformer.js'

/**
 * What comes out of a step that returns T: awaited, without null, arrays flattened. Inferring `O` out of
 * `O | readonly O[] | null` instead gives `unknown` for a `Row`, whose index signature matches an array's.
 */
export type Emitted<T> =
  Awaited<T> extends infer U ? (U extends null ? never : U extends readonly (infer E)[] ? E : U) : never

/** A source and the steps behind it; inert and immutable. Record types run through it. */
export interface Flow<out R> {
  readonly source: Source
  readonly steps: readonly Step[]
  /** Adds a transformer: record in; record, several, or null out; sync or async. */
  pipe<T extends MaybePromise<object | null>>(step: (record: R, context: TransformContext) => T): Flow<Emitted<T>>
  /** Keeps the records for which `keep` holds. */
  filter<N extends R>(keep: (record: R) => record is N): Flow<N>
  filter(keep: (record: R) => MaybePromise<boolean>): Flow<R>
  /** Keeps the records that match. In front of every transformer, the source does as much of it as it can. */
  filter(matching: Filter): Flow<R>
  /** Validates with any Standard Schema (zod, valibot, arktype, …); what it gives goes on, what it refuses is rejected. */
  validate<S extends StandardSchemaV1<unknown, object>>(schema: S): Flow<StandardSchemaV1.InferOutput<S>>
}

/** One step as the engine runs it. */
export type Step =
  | { readonly kind: 'transform'; readonly run: (record: never, context: TransformContext) => unknown }
  | { readonly kind: 'filter'; readonly keep: (record: never) => unknown }
  | { readonly kind: 'match'; readonly filter: Filter }
  | { readonly kind: 'validate'; readonly schema: StandardSchemaV1<unknown, object> }

/** Begins a flow. */
export function from<R extends object = Row>(source: Source<R>): Flow<R> {
  return flowOf<R>(source as Source, [])
}

/** Whether it is a flow, or a bare source. */
export function isFlow<R>(value: Source<R> | Flow<R>): value is Flow<R> {
  return 'steps' in value
}
