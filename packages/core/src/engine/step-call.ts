import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { RejectStage } from '../contracts/report.js'
import type { Row } from '../contracts/values.js'
import { shown } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { compileFilter } from '../filters/compile-filter.js'
import type { Step } from '../flow/flow.js'
import type { BatchTransform, TransformContext, TransformerTraits } from '../flow/transformer.js'
import { batchForm } from '../flow/transformer.js'

const defaultTimeoutMs = 60_000
const defaultConcurrency = 8

/** One step, ready to be called: whatever its kind, it gives a record, several, null, or a promise of one of these. */
export interface StepCall {
  readonly stage: RejectStage
  /** As messages and the fingerprint name it. */
  readonly name: string
  readonly timeoutMs: number
  readonly concurrency: number
  readonly traits: TransformerTraits<never> | undefined
  /** Records give what they get: the schema is the same behind it. */
  readonly keepsSchema: boolean
  readonly call: (record: Row, context: TransformContext) => unknown
  readonly batch: BatchTransform<Row, Row> | undefined
}

/** Readies the step at `place` (from 1) of a chain. */
export function stepCall(step: Step, place: number): StepCall {
  const base = {
    timeoutMs: defaultTimeoutMs,
    concurrency: defaultConcurrency,
    traits: undefined,
    keepsSchema: false,
    batch: undefined,
  }
  switch (step.kind) {
    case 'transform': {
      const run = step.run as (record: Row, context: TransformContext) => unknown
      const { traits, [batchForm]: batch } = step.run as {
        traits?: TransformerTraits<never>
        [batchForm]?: BatchTransform<Row, Row>
      }
      return {
        ...base,
        stage: 'transform',
        name: traits?.name ?? `step ${place}${run.name ? ` (${run.name})` : ''}`,
        timeoutMs: traits?.timeoutMs ?? defaultTimeoutMs,
        concurrency: traits?.concurrency ?? defaultConcurrency,
        traits,
        call: run,
        batch,
      }
    }
    case 'filter': {
      const keep = step.keep as (record: Row) => unknown
      return {
        ...base,
        stage: 'filter',
        name: `filter ${place}`,
        keepsSchema: true,
        call: (record) => kept(keep(record), record),
      }
    }
    case 'match': {
      const matches = compileFilter(step.filter)
      return {
        ...base,
        stage: 'filter',
        name: `filter ${place}`,
        keepsSchema: true,
        call: (record) => (matches(record) ? record : null),
      }
    }
    case 'validate': {
      const validate = step.schema['~standard'].validate
      return { ...base, stage: 'validate', name: `validate ${place}`, call: (record) => validated(validate(record)) }
    }
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

/** A step's result that is not what a step may return. */
export function invalidResult(step: StepCall, result: unknown): DroverError {
  const forgotten = result === undefined ? ' (is a return missing?)' : ''
  return new DroverError(
    'TRANSFORM_INVALID_RESULT',
    `${step.name} returned ${shown(result)}${forgotten}; a transformer gives a record, an array of records, or null to leave the record out.`,
  )
}

export function timedOut(step: StepCall): DroverError {
  return new DroverError(
    'TRANSFORM_TIMEOUT',
    `${step.name} did not answer within ${step.timeoutMs} ms; raise its timeoutMs, or find out what it waits for.`,
  )
}

/** What a step threw, as one of our errors; ours pass as they are. */
export function stepFailed(step: StepCall, error: unknown): DroverError {
  return DroverError.from(error, `${step.name} failed`, 'TRANSFORM_FAILED')
}

function kept(keep: unknown, record: Row): unknown {
  if (keep === true) return record
  if (keep === false) return null
  if (isThenable(keep)) return keep.then((late) => kept(late, record))
  throw new DroverError('TRANSFORM_INVALID_RESULT', `a filter returned ${shown(keep)}; it gives true or false.`)
}

function validated(result: StandardSchemaV1.Result<object> | Promise<StandardSchemaV1.Result<object>>): unknown {
  if (isThenable(result)) return result.then((late) => validated(late as StandardSchemaV1.Result<object>))
  if (result.issues === undefined) return result.value
  const issues = result.issues.slice(0, 5).map((issue) => {
    const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
    return path === '' ? issue.message : `${path}: ${issue.message}`
  })
  throw new DroverError('VALIDATION_FAILED', `the record does not fit its schema: ${issues.join('; ')}`)
}
