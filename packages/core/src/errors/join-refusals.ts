import { DroverError } from './drover-error.js'

/**
 * One error for all records of a batch that a store refuses: that of the first row, which names the others.
 *
 * @param refused Each with its `row`, in any order.
 * @returns undefined if there is none.
 */
export function joinRefusals(refused: readonly DroverError[]): DroverError | undefined {
  const [first, ...others] = [...refused].sort((a, b) => (a.row ?? 0) - (b.row ?? 0))
  if (first === undefined || others.length === 0) return first
  return new DroverError(first.code, first.message, {
    cause: first.cause,
    alsoRefused: others,
    ...(first.row === undefined ? {} : { row: first.row }),
  })
}

/** The same error where `rows` rows came before those that it counts: of a page, its `row` becomes that of the batch. */
export function behindRows(error: unknown, rows: number): unknown {
  if (!DroverError.isInstance(error) || error.row === undefined || rows === 0) return error
  const { code, message, cause, isRetryable, row, retryAfterMs } = error
  const alsoRefused = error.alsoRefused?.map((other) => behindRows(other, rows) as DroverError)
  return new DroverError(code, message, {
    cause,
    isRetryable,
    row: row + rows,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(alsoRefused && { alsoRefused }),
  })
}
