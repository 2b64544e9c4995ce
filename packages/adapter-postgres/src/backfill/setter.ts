import { DroverError, type MaybePromise, type Row, type TransformContext } from '@drover/core'
import type { Computed } from './update-plan.js'

export type SetFunction = (row: Row, context: TransformContext) => unknown

/**
 * A backfill's `set` as a step: what is to be done with a row.
 *
 * @throws `TRANSFORM_INVALID_RESULT`
 */
export function computing(
  where: string,
  set: SetFunction,
  sets: readonly string[],
): (row: Row, context: TransformContext) => MaybePromise<Computed> {
  const names: ReadonlySet<string> = new Set(sets)
  const invalid = (what: string): DroverError =>
    new DroverError('TRANSFORM_INVALID_RESULT', `${where}: set gave ${what}.`)
  const checked = (row: Row, result: unknown): Computed => {
    if (result === null) return { row, set: {} }
    if (typeof result !== 'object' || Array.isArray(result)) throw invalid('neither an object of columns nor null')
    for (const name in result) {
      if (!names.has(name)) throw invalid(`"${name}", which is not among its sets (${sets.join(', ')})`)
    }
    return { row, set: result as Row }
  }
  return (row, context) => {
    const result = set(row, context)
    return isPromise(result) ? result.then((late) => checked(row, late)) : checked(row, result)
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { readonly then?: unknown } | null | undefined)?.then === 'function'
}
