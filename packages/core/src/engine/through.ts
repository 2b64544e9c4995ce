import type { Row } from '../contracts/values.js'
import type { TransformContext } from '../flow/transformer.js'
import type { Family } from './family-collector.js'
import { invalidResult, isThenable, type StepCall } from './step-call.js'

/**
 * Goes on behind `step` with what it gave: one record, several in order, null, or a promise of these. Synchronous as
 * long as the steps are.
 */
export function through(
  steps: readonly StepCall[],
  step: number,
  result: unknown,
  context: TransformContext,
): Family | Promise<Family> {
  if (result === null) return null
  if (isThenable(result)) return lateResult(steps, step, result, context)
  if (!Array.isArray(result)) {
    if (typeof result !== 'object') throw invalidResult(steps[step] as StepCall, result)
    const next = step + 1
    if (next === steps.length) return result as Row
    return through(steps, next, (steps[next] as StepCall).call(result as Row, context), context)
  }
  const rows: Row[] = []
  for (let i = 0; i < result.length; i++) {
    const family = child(steps, step, result[i], context)
    if (isThenable(family)) return lateChildren(steps, step, result, i, family as Promise<Family>, rows, context)
    append(rows, family as Family)
  }
  return rows
}

function child(
  steps: readonly StepCall[],
  step: number,
  record: unknown,
  context: TransformContext,
): Family | Promise<Family> {
  if (typeof record !== 'object' || record === null || Array.isArray(record))
    throw invalidResult(steps[step] as StepCall, record)
  return through(steps, step, record, context)
}

async function lateResult(
  steps: readonly StepCall[],
  step: number,
  promised: PromiseLike<unknown>,
  context: TransformContext,
): Promise<Family> {
  return through(steps, step, await promised, context)
}

/** The children from `first` on, which has a promise pending; one after the other. */
async function lateChildren(
  steps: readonly StepCall[],
  step: number,
  children: readonly unknown[],
  first: number,
  pending: Promise<Family>,
  rows: Row[],
  context: TransformContext,
): Promise<Family> {
  append(rows, await pending)
  for (const record of children.slice(first + 1)) append(rows, await child(steps, step, record, context))
  return rows
}

function append(rows: Row[], family: Family): void {
  if (family === null) return
  if (Array.isArray(family)) for (const row of family as readonly Row[]) rows.push(row)
  else rows.push(family as Row)
}
