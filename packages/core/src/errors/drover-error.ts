import type { ErrorCode } from './codes.js'
import { redactSecrets } from './redact.js'

const marker: unique symbol = Symbol.for('drover.error') as never

export interface DroverErrorOptions {
  readonly cause?: unknown
  /** The same call may succeed if it is made again. @default false */
  readonly isRetryable?: boolean
  /** How long the store asks to wait, in milliseconds. */
  readonly retryAfterMs?: number
  /** Place of the row in the batch, where the store told (`RECORD_REFUSED`). */
  readonly row?: number
  /**
   * Others that the store refuses beside that one, each with its `row`, in the order of their rows: what it would say if rows came one by
   * one, and those it refuses were left out.
   */
  readonly alsoRefused?: readonly DroverError[]
}

/**
 * What every failure of Drover rejects with. The message is a sentence for the person on call: what failed, where,
 * what to do. It never holds a secret.
 */
export class DroverError extends Error {
  override readonly name: string = 'DroverError'
  readonly code: ErrorCode
  readonly isRetryable: boolean
  readonly retryAfterMs?: number
  readonly row?: number
  readonly alsoRefused?: readonly DroverError[]

  constructor(code: ErrorCode, message: string, options: DroverErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.isRetryable = options.isRetryable ?? false
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs
    if (options.row !== undefined) this.row = options.row
    if (options.alsoRefused !== undefined) this.alsoRefused = options.alsoRefused
    Object.defineProperty(this, marker, { value: true })
  }

  /** Recognises a `DroverError` of any version or copy of the package, with one of `codes` if any are given. */
  static isInstance(error: unknown, ...codes: readonly ErrorCode[]): error is DroverError {
    if (typeof error !== 'object' || error === null || (error as Record<symbol, unknown>)[marker] !== true) return false
    return codes.length === 0 || codes.includes((error as DroverError).code)
  }

  /** The error itself if it is one of ours, else one that wraps it; its message without the secrets that drivers put there. */
  static from(error: unknown, message: string, code: ErrorCode = 'UNEXPECTED'): DroverError {
    if (DroverError.isInstance(error)) return error
    const said = error instanceof Error ? error.message : String(error)
    return new DroverError(code, `${message}: ${redactSecrets(said)}`, { cause: error })
  }
}
