import type { Page } from '../contracts/page.js'
import type { AckSink, Batch, Guarantee, Outcome } from '../contracts/sink.js'
import type { Operation, Row } from '../contracts/values.js'
import { checkOptionNames, checkText, checkWholeNumber, shown } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { redactSecrets } from '../errors/redact.js'
import { recordId } from '../identity/record-id.js'

/** A sink made of one function. */
export interface SinkOptions<R> {
  /** Part of the run's fingerprint; shown in reports. Carries no secret. */
  readonly name: string
  readonly version?: string
  /** `idempotent` if writing a record again leaves one, because the store is keyed by the ids; else `at-least-once`. */
  readonly guarantee: Exclude<Guarantee, 'exactly-once'>
  /**
   * Writes the records of one batch; all of them are durable when its promise resolves. `ids` is parallel to `records`:
   * the same in every attempt, made of the source's key. To refuse one record, throw a `DroverError` with the code
   * `RECORD_REFUSED` and its place as `row`; any other error that is not retryable ends the run, resumable. A number
   * `retryAfterMs` on a retryable error is how long to wait.
   */
  readonly write: (records: readonly R[], context: SinkContext) => Promise<void>
  /** Records of one batch. @default 1000 */
  readonly batchSize?: number
  /** Batches of one partition that may be open at once. @default 1 */
  readonly inFlight?: number
  /** Whether the same call may succeed if it is made again. @default dropped connections, and errors whose `isRetryable` is true */
  readonly isRetryable?: (error: unknown) => boolean
}

/** What `write` is given beside the records. */
export interface SinkContext extends Operation {
  readonly ids: readonly string[]
}

const optionNames = ['name', 'version', 'guarantee', 'write', 'batchSize', 'inFlight', 'isRetryable'] as const

/** What Node reports for connections that fail and may be there again a moment later. */
const networkErrors = new Set(['ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'ECONNREFUSED', 'EAI_AGAIN'])

/**
 * A sink of one function: an API, a queue, a store without an adapter.
 *
 * ```ts
 * sink({
 *   name: 'search-index',
 *   guarantee: 'idempotent',
 *   write: async (records: readonly Message[], { ids, signal }) => index.upsert(records, ids, { signal }),
 * })
 * ```
 *
 * @throws `OPTION_INVALID`
 */
export function sink<R extends object = Row>(options: SinkOptions<R>): AckSink<R> {
  checkOptions(options)
  const { name, version, guarantee, batchSize, inFlight } = options
  return {
    specVersion: 1,
    name,
    guarantee,
    ...(version === undefined ? {} : { version }),
    ...(batchSize === undefined ? {} : { batchSize }),
    ...(inFlight === undefined ? {} : { inFlight }),
    connect: async () => ({
      write: (batch: Batch<R>, operation: Operation) => writeBatch(options, batch, operation),
      [Symbol.asyncDispose]: async () => {},
    }),
  }
}

async function writeBatch<R>(options: SinkOptions<R>, batch: Batch<R>, { signal }: Operation): Promise<Outcome> {
  const records: R[] = []
  const pages: Page<R>[] = []
  for await (const page of batch) {
    pages.push(page)
    for (const record of page.rows()) records.push(record)
  }
  if (records.length > 0) {
    let ids: readonly string[] | undefined
    // Ids cost more than all else: only who asks for them has them made.
    const context: SinkContext = {
      signal,
      get ids() {
        ids ??= pages.flatMap((page) => page.keys().map(recordId))
        return ids
      },
    }
    try {
      await options.write(records, context)
    } catch (error) {
      throw asDroverError(error, options)
    }
  }
  return { inserted: records.length, updated: 0, skipped: 0 }
}

function asDroverError<R>(error: unknown, options: SinkOptions<R>): DroverError {
  const isRetryable = (options.isRetryable ?? isTransient)(error)
  if (DroverError.isInstance(error) && error.isRetryable === isRetryable) return error
  const said = redactSecrets(error instanceof Error ? error.message : String(error))
  return new DroverError(
    isRetryable ? 'STORE_UNAVAILABLE' : 'UNEXPECTED',
    `The function of sink "${options.name}" failed: ${said}`,
    { cause: error, isRetryable, ...waitOf(error) },
  )
}

/** How long the store asks to wait, where an error carries it. */
function waitOf(error: unknown): { retryAfterMs?: number } {
  const { retryAfterMs } = Object(error) as { retryAfterMs?: unknown }
  return typeof retryAfterMs === 'number' && retryAfterMs >= 0 ? { retryAfterMs } : {}
}

function isTransient(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  const { code, isRetryable, cause } = error as { code?: unknown; isRetryable?: unknown; cause?: unknown }
  if (isRetryable === true || (typeof code === 'string' && networkErrors.has(code))) return true
  // fetch wraps what the socket said: TypeError "fetch failed" with the system error as its cause.
  return isRetryable === undefined && cause !== undefined && cause !== error && isTransient(cause)
}

function checkOptions<R>(options: SinkOptions<R>): void {
  checkOptionNames('sink', options, optionNames)
  checkText('sink', 'name', options.name)
  const where = `sink "${options.name}"`
  checkWholeNumber(where, 'batchSize', options.batchSize, 1)
  checkWholeNumber(where, 'inFlight', options.inFlight, 1)
  const guarantee: unknown = options.guarantee
  if (guarantee !== 'idempotent' && guarantee !== 'at-least-once') {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: guarantee is 'idempotent' or 'at-least-once', not ${shown(guarantee)}.`,
    )
  }
  for (const name of ['write', 'isRetryable'] as const) {
    if (typeof options[name] === 'function' || (name === 'isRetryable' && options[name] === undefined)) continue
    throw new DroverError('OPTION_INVALID', `${where}: ${name} is a function, not ${shown(options[name])}.`)
  }
}
