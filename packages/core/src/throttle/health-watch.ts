import type { HealthCheck, HealthReading, HealthSignal } from '../contracts/health.js'
import { shown } from '../errors/check-options.js'
import { redactSecrets } from '../errors/redact.js'

const defaultEveryMs = 1_000
const defaultTimeoutMs = 5_000
/** What a signal counts as that does not work: neither faster nor slower. */
const unknownLoad = 1
/** How long giving back may take at the end of a run, in milliseconds. */
const closingMs = 5_000

export interface HealthListener {
  read(signal: string, reading: HealthReading): void
  /** Once for each signal, however often it fails. */
  failed(signal: string, why: string): void
}

/** How many runs of this process ask a signal: the last one that ends closes it. */
const runsAsking = new WeakMap<object, number>()

/** Asks signals again and again while a run works. */
export class HealthWatch implements AsyncDisposable {
  readonly #asked: readonly Asked[]

  constructor(signals: readonly (HealthSignal | HealthCheck)[], listener: HealthListener) {
    const names = new Set<string>()
    this.#asked = signals.map((given, at) => {
      const signal = typeof given === 'function' ? { name: given.name || `signals[${at}]`, check: given } : given
      const name = names.has(signal.name) ? `${signal.name} (${at + 1})` : signal.name
      names.add(name)
      return new Asked(name, signal, given, listener)
    })
  }

  /** Each has answered once, or failed to. */
  get isReady(): boolean {
    return this.#asked.every(({ isReady }) => isReady)
  }

  start(): void {
    for (const asked of this.#asked) asked.start()
  }

  /** Ends it; what was asked meanwhile is not waited for. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#asked.map((asked) => asked.close()))
  }
}

/** One signal. */
class Asked {
  isReady = false
  readonly #closing = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #isUnderWay = false
  #hasFailed = false

  constructor(
    private readonly name: string,
    private readonly signal: HealthSignal,
    private readonly identity: object,
    private readonly listener: HealthListener,
  ) {}

  start(): void {
    runsAsking.set(this.identity, (runsAsking.get(this.identity) ?? 0) + 1)
    this.#ask()
    this.#timer = setInterval(() => this.#ask(), this.signal.everyMs ?? defaultEveryMs)
    this.#timer.unref()
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#closing.abort()
    const others = (runsAsking.get(this.identity) ?? 1) - 1
    runsAsking.set(this.identity, others)
    if (others > 0 || this.signal.close === undefined) return
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, closingMs)
    })
    try {
      await Promise.race([this.signal.close(), late])
    } catch (error) {
      this.listener.failed(this.name, `it could not be closed: ${messageOf(error)}`)
    } finally {
      clearTimeout(timer)
    }
  }

  /** One question at a time: one that hangs is not asked again before it has ended. */
  #ask(): void {
    if (this.#isUnderWay) return
    this.#isUnderWay = true
    const timeoutMs = this.signal.timeoutMs ?? defaultTimeoutMs
    const given = new AbortController()
    const late = setTimeout(() => {
      given.abort()
      this.#failed(`it did not answer within ${timeoutMs} ms`)
    }, timeoutMs)
    late.unref()
    const told = (reading: HealthReading) => {
      if (given.signal.aborted) return
      if (isReading(reading)) this.#read(reading)
      else this.#failed(`it gave ${said(reading)}, which is no { load, reason } with a load of 0 or more`)
    }
    const failed = (error: unknown) => {
      if (given.signal.aborted) return
      this.#failed(messageOf(error))
    }
    const ended = () => {
      clearTimeout(late)
      this.#isUnderWay = false
    }
    try {
      const answer = this.signal.check({ signal: AbortSignal.any([this.#closing.signal, given.signal]) })
      if (isReading(answer as HealthReading)) {
        // Known at once: a run with signals such as this one begins without a wait.
        told(answer as HealthReading)
        ended()
      } else Promise.resolve(answer).then(told, failed).finally(ended)
    } catch (error) {
      failed(error)
      ended()
    }
  }

  #read(reading: HealthReading): void {
    if (this.#closing.signal.aborted) return
    this.isReady = true
    this.listener.read(this.name, reading)
  }

  #failed(why: string): void {
    if (this.#closing.signal.aborted) return
    this.#read({ load: unknownLoad, reason: `${this.name} is not known` })
    if (this.#hasFailed) return
    this.#hasFailed = true
    this.listener.failed(this.name, why)
  }
}

function isReading(value: HealthReading): boolean {
  const { load, reason } = Object(value) as Partial<HealthReading>
  return typeof load === 'number' && load >= 0 && typeof reason === 'string'
}

function messageOf(error: unknown): string {
  return redactSecrets(error instanceof Error ? error.message : String(error))
}

function said(value: unknown): string {
  const { load } = Object(value) as Partial<HealthReading>
  return load === undefined ? shown(value) : `a load of ${shown(load)}`
}
