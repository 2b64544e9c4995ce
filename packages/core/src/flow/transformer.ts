import type { RecordSchema } from '../contracts/schema.js'
import type { MaybePromise, Operation, Row } from '../contracts/values.js'

/** What a transformer may know of the run. */
export interface TransformContext extends Operation {
  /** Stored with the run: the same in every attempt and after every resume. The only clock a built-in uses. */
  readonly runStartedAt: Date
}

/** Record in; a record, several, or null out. It must not change the record it is given: the dead letters keep that one. */
export type Transformer<I = Row, O = Row> = (
  record: I,
  context: TransformContext,
) => MaybePromise<O | readonly O[] | null>

/** One result per record, by place, so that counts, keys and the search for a poison record hold. */
export type BatchTransform<I, O> = (
  records: readonly I[],
  context: TransformContext,
) => MaybePromise<readonly (O | readonly O[] | null)[]>

/** What a transformer says of itself; it rides on the function. */
export interface TransformerTraits<in I = never> {
  readonly name: string
  /** Part of the run's fingerprint. A plain function has none: a change in it goes unseen. */
  readonly version?: string
  /** Fields it reads. Where it names what it sets too, it may be given a record of these fields alone. */
  readonly reads?: readonly (keyof I & string)[]
  /** Fields it sets; all others go on as they are. */
  readonly writes?: readonly string[]
  /** What the records look like behind it. Without it the schema is inferred from the records. */
  readonly describe?: (schema: RecordSchema) => RecordSchema
  /**
   * Throws if it cannot do its work on such records, as where they lack a field that it names. Asked before anything is read or written,
   * where the source says for certain what its records look like.
   */
  readonly check?: (schema: RecordSchema) => void
  /** Calls that may be under way at once, in all partitions together; order is kept. Asynchronous ones only. @default 8 */
  readonly concurrency?: number
  /** How long one asynchronous call may take, in milliseconds, before its record is rejected with `TRANSFORM_TIMEOUT`. @default 60000 */
  readonly timeoutMs?: number
  /** Called once before the first record of an attempt, and once after the last. */
  readonly open?: (operation: Operation) => MaybePromise<void>
  readonly close?: () => MaybePromise<void>
}

/** What `transformer` takes: traits, and the function in one of its two forms. */
export type TransformerOptions<I, O> = TransformerTraits<I> &
  (
    | { readonly transform: Transformer<I, O>; readonly transformBatch?: never }
    | { readonly transformBatch: BatchTransform<I, O>; readonly transform?: never }
  )

/** The key under which a transformer's batch form rides on its function. */
export const batchForm: unique symbol = Symbol.for('drover.transform.batch') as never

/** A transformer with its traits. */
export type NamedTransformer<I, O> = Transformer<I, O> & { readonly traits: TransformerTraits<I> } & {
  readonly [batchForm]?: BatchTransform<I, O>
}

/** A function of a record, as a step of a flow takes it. */
export type StepFunction = (record: never, context: TransformContext) => MaybePromise<object | null>

/**
 * A function with its traits. A generic one stays generic, but TypeScript infers through a bare function only: the flow has to
 * name the record type, as in `.pipe(step<Message>)`.
 */
export type NamedStep<F extends StepFunction> = F & { readonly traits: TransformerTraits<Parameters<F>[0]> } & {
  readonly [batchForm]?: never
}
