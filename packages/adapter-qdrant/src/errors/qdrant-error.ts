import { DroverError } from '@drover/core'

const statuses = new WeakMap<DroverError, number>()

/** The status of the answer that an error was made of; undefined if there was none. */
export function statusOf(error: unknown): number | undefined {
  return DroverError.isInstance(error) ? statuses.get(error) : undefined
}

/** An answer that says no. */
export function answerError(status: number, text: string, doing: string): DroverError {
  const code =
    status === 401 || status === 403
      ? 'STORE_DENIED'
      : status === 404
        ? 'SOURCE_NOT_FOUND'
        : status === 400
          ? 'RECORD_REFUSED'
          : 'STORE_UNAVAILABLE'
  const error = new DroverError(code, `Qdrant failed while ${doing}: ${text}.`, { isRetryable: status >= 429 })
  statuses.set(error, status)
  return error
}
