import { abortError } from '@drover/core'
import { type Dispatcher, Pool } from 'undici'
import { type FailurePlace, networkError, timeoutError } from '../errors/qdrant-error.js'
import type { Headers } from './qdrant-location.js'

/** What is sent. */
export interface Sending {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly body: string | Uint8Array | null
  readonly signal: AbortSignal
}

/** What came back, whatever its status. */
export interface Answer {
  readonly status: number
  readonly bytes: Buffer
  /** By names in lower case. */
  header(name: string): string | undefined
}

/** More at a time than a sink has in flight, so that what is asked beside is never behind it. */
const connections = 8

/** Requests over connections that are kept open. */
export class HttpLink implements AsyncDisposable {
  readonly #pool: Pool
  #isKnown = false

  constructor(
    origin: string,
    private readonly headers: Headers | (() => Promise<Headers>),
    private readonly timeoutMs: number,
  ) {
    this.#pool = new Pool(origin, {
      connections,
      // One request has one limit, from its beginning to its end: see Exchange.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: Math.min(timeoutMs, 10_000) },
      // As Qdrant's own client; longer, and a request may meet a server that is just closing.
      keepAliveTimeout: 10_000,
    })
  }

  /**
   * Sends a request.
   *
   * @throws `ABORTED`, and what {@link networkError} makes of failures
   */
  async send(sending: Sending, doing: string): Promise<Answer> {
    const { signal } = sending
    if (signal.aborted) throw abortError(signal)
    const headers = typeof this.headers === 'function' ? await this.#learned(this.headers) : this.headers
    const place = { doing, isFirst: !this.#isKnown }
    const answer = await new Promise<Answer>((done, failed) => {
      const exchange = new Exchange(signal, this.timeoutMs, place, done, failed)
      const { method, path, body } = sending
      const type = body === null ? {} : { 'content-type': 'application/json' }
      this.#pool.dispatch(
        { method, path, body, headers: { ...headers, ...type, accept: 'application/json', 'user-agent': 'drover' } },
        exchange,
      )
    })
    this.#isKnown = true
    return answer
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.destroy()
  }

  #headers: Promise<Headers> | undefined

  #learned(ask: () => Promise<Headers>): Promise<Headers> {
    this.#headers ??= ask()
    return this.#headers
  }
}

/** One request and its answer. */
class Exchange implements Dispatcher.DispatchHandlers {
  #abort: (() => void) | undefined
  #isOver = false
  readonly #timer: NodeJS.Timeout
  #status = 0
  #headers: readonly Buffer[] = []
  /** As large as the answer said that it would be; null if it did not. */
  #whole: Buffer | null = null
  #length = 0
  readonly #chunks: Buffer[] = []

  constructor(
    private readonly signal: AbortSignal,
    timeoutMs: number,
    private readonly place: FailurePlace,
    private readonly done: (answer: Answer) => void,
    private readonly failed: (error: unknown) => void,
  ) {
    this.#timer = setTimeout(() => this.#giveUp(timeoutError(timeoutMs, place)), timeoutMs)
    signal.addEventListener('abort', this.#aborted)
  }

  onConnect(abort: () => void): void {
    if (this.#isOver) abort()
    else this.#abort = abort
  }

  onHeaders(status: number, headers: Buffer[]): boolean {
    if (status < 200) return true
    this.#status = status
    this.#headers = headers
    const length = Number(header(headers, 'content-length') ?? Number.NaN)
    if (length > 0) this.#whole = Buffer.allocUnsafeSlow(length)
    return true
  }

  /** What comes is a part of what the socket was read into, which is large and would be kept. */
  onData(chunk: Buffer): boolean {
    if (this.#whole !== null) chunk.copy(this.#whole, this.#length)
    else this.#chunks.push(Buffer.from(chunk))
    this.#length += chunk.length
    return true
  }

  onComplete(): void {
    if (!this.#end()) return
    const headers = this.#headers
    this.done({
      status: this.#status,
      bytes: this.#whole ?? Buffer.concat(this.#chunks),
      header: (name) => header(headers, name),
    })
  }

  onError(error: Error): void {
    if (this.#end()) this.failed(networkError(error, this.place))
  }

  readonly #aborted = (): void => this.#giveUp(abortError(this.signal))

  #giveUp(error: unknown): void {
    if (!this.#end()) return
    this.failed(error)
    this.#abort?.()
  }

  /** Whether it was not over before. */
  #end(): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    clearTimeout(this.#timer)
    this.signal.removeEventListener('abort', this.#aborted)
    return true
  }
}

function header(headers: readonly Buffer[], name: string): string | undefined {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i]?.toString('latin1').toLowerCase() === name) return headers[i + 1]?.toString('latin1')
  }
  return undefined
}
