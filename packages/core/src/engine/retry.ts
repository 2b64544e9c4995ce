import { setTimeout as wait } from 'node:timers/promises'
import { DroverError } from '../errors/drover-error.js'

const firstWaitMs = 100
const longestWaitMs = 30_000

/** Exponential backoff with full jitter (a random wait between nothing and the step), never less than the store asked for. */
export function backoffMs(attempt: number, error: unknown): number {
  const jittered = Math.random() * Math.min(longestWaitMs, firstWaitMs * 2 ** (attempt - 1))
  return Math.round(Math.max(jittered, askedMs(error)))
}

/** Whether the same call may succeed if it is made again, as its thrower classified it. */
export function isRetryable(error: unknown): boolean {
  return typeof error === 'object' && error !== null && (error as { isRetryable?: unknown }).isRetryable === true
}

export interface RetryNotice {
  readonly attempt: number
  readonly waitMs: number
  readonly error: unknown
}

/** How often, and how patiently, something is tried again. */
export interface Retrying {
  readonly maxRetries: number
  readonly signal: AbortSignal
  readonly onRetry?: (notice: RetryNotice) => void
  /** How to wait. @default for so long, unless the signal is aborted */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>
}

/** Runs `work` until it succeeds, fails for good, or has failed `maxRetries` times more. */
export async function retrying<T>(work: () => Promise<T>, options: Retrying): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!isRetryable(error) || attempt > options.maxRetries || options.signal.aborted) throw error
      const waitMs = backoffMs(attempt, error)
      options.onRetry?.({ attempt, waitMs, error })
      await (options.wait ?? pause)(waitMs, options.signal)
    }
  }
}

/** Waits, unless the signal is aborted first: then it rejects with the signal's reason. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(ms, undefined, { signal })
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
}

/** A signal's reason as one of our errors. */
export function abortError(signal: AbortSignal): DroverError {
  return DroverError.from(signal.reason, 'the work was given up', 'ABORTED')
}

function askedMs(error: unknown): number {
  const asked = (error as { retryAfterMs?: unknown }).retryAfterMs
  return typeof asked === 'number' && Number.isFinite(asked) && asked > 0 ? asked : 0
}
