import type { Row } from '../contracts/values.js'
import type { Family } from './family-collector.js'
import { invalidResult, isThenable, type StepCall } from './step-call.js'

/** Calls the step at a place of the chain; whoever gives it keeps account of which step is under way. */
export type CallStep = (step: number, record: Row) => unknown

/**
 * Goes on behind `step` with what it gave: one record, several in order, null, or a promise of these. Synchronous as
 * long as the steps are; children go one after the other.
 */
export function through(
  steps: readonly StepCall[],
  step: number,
  result: unknown,
  call: CallStep,
): Family | Promise<Family> {
  if (result === null) return null
  if (isThenable(result)) return lateResult(steps, step, result, call)
  if (!Array.isArray(result)) {
    if (typeof result !== 'object') throw invalidResult(steps[step] as StepCall, result)
    const next = step + 1
    if (next === steps.length) return result as Row
    return through(steps, next, call(next, result as Row), call)
  }
  const rows: Row[] = []
  for (let i = 0; i < result.length; i++) {
    const family = child(steps, step, result[i], call)
    if (isThenable(family)) return lateChildren(steps, step, result, i, family as Promise<Family>, rows, call)
    append(rows, family as Family)
  }
  return rows
}

function child(steps: readonly StepCall[], step: number, record: unknown, call: CallStep): Family | Promise<Family> {
  if (typeof record !== 'object' || record === null || Array.isArray(record))
    throw invalidResult(steps[step] as StepCall, record)
  return through(steps, step, record, call)
}

async function lateResult(
  steps: readonly StepCall[],
  step: number,
  promised: PromiseLike<unknown>,
  call: CallStep,
): Promise<Family> {
  return through(steps, step, await promised, call)
}

/** The children from `first` on, which has a promise pending; one after the other. */
async function lateChildren(
  steps: readonly StepCall[],
  step: number,
  children: readonly unknown[],
  first: number,
  pending: Promise<Family>,
  rows: Row[],
  call: CallStep,
): Promise<Family> {
  append(rows, await pending)
  for (let i = first + 1; i < children.length; i++) append(rows, await child(steps, step, children[i], call))
  return rows
}

function append(rows: Row[], family: Family): void {
  if (family === null) return
  if (Array.isArray(family)) for (const row of family as readonly Row[]) rows.push(row)
  else rows.push(family as Row)
}
