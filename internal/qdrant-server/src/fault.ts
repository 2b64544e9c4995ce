/**
 * What happens to a request instead of, or around, its answer:
 *
 * - a status: that answer, and nothing is done;
 * - `cut`: the connection is cut before anything is done;
 * - `cut-after`: everything is done, then the connection is cut, so that the client does not know;
 * - `cut-answer`: everything is done, and the answer breaks off half way;
 * - `hang`: no answer, until the client goes away or the server ends.
 */
export type FaultKind = number | 'cut' | 'cut-after' | 'cut-answer' | 'hang'

export interface FaultOptions {
  /** How many requests it meets. @default 1 */
  readonly times?: number
  /** Which requests: a part of, or a pattern for, `PUT /collections/name/points`. @default all that change or read points */
  readonly on?: string | RegExp
  /** Requests that fit and are let through before. @default 0 */
  readonly after?: number
  /** `Retry-After` of the answer, in seconds. */
  readonly retryAfter?: number
  /** The text of the error. */
  readonly message?: string
}

export interface Fault extends Required<Pick<FaultOptions, 'on'>> {
  readonly kind: FaultKind
  readonly retryAfter: number | null
  readonly message: string
  left: number
  toPass: number
}

const messages: Readonly<Record<number, string>> = {
  429: 'Rate limiting exceeded: Write rate limit exceeded, retry later',
  500: 'Service internal error: task 42 was cancelled',
  503: 'Shard temporarily unavailable: The shard is being recovered',
}

export class Faults {
  readonly #faults: Fault[] = []

  add(kind: FaultKind, { times = 1, on = '/points', after = 0, retryAfter, message }: FaultOptions): void {
    const text = message ?? messages[Number(kind)] ?? 'Service internal error: a fault of the test'
    this.#faults.push({ kind, on, left: times, toPass: after, retryAfter: retryAfter ?? null, message: text })
  }

  clear(): void {
    this.#faults.length = 0
  }

  /** What meets this request, if something does. */
  meeting(method: string, path: string): Fault | undefined {
    const request = `${method} ${path}`
    const fault = this.#faults.find(
      ({ on, left }) => left > 0 && (typeof on === 'string' ? request.includes(on) : on.test(request)),
    )
    if (fault === undefined) return undefined
    if (fault.toPass > 0) {
      fault.toPass--
      return undefined
    }
    fault.left--
    return fault
  }
}
