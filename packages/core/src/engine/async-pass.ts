import type { LimitFunction } from 'p-limit'
import type { Row } from '../contracts/values.js'
import type { TransformContext } from '../flow/transformer.js'
import type { Breather } from './breather.js'
import type { Family } from './family-collector.js'
import { isRetryable, retrying } from './retry.js'
import { isThenable, type StepCall, timedOut } from './step-call.js'
import { through } from './through.js'

const longestTickMs = 250

export interface AsyncPassOptions {
  readonly steps: readonly StepCall[]
  readonly rows: readonly Row[]
  /** The record whose step gave the first promise; those before it are done. */
  readonly first: number
  /** Where that record stands: `step` was called with `value` and promised `result`. */
  readonly begun: { readonly value: Row; readonly step: number; readonly result: PromiseLike<unknown> }
  readonly reject: (place: number, step: number, error: unknown) => void
  readonly context: TransformContext
  readonly maxRetries: number
  readonly breather: Breather
}

/** One record under way. */
interface Worker {
  place: number
  step: number
  /** The tick at which the step in hand was called. */
  since: number
  /** Its step did not answer in time: somebody else goes on with the other records. */
  abandoned: boolean
  leave: () => void
}

/**
 * The rest of a page, several records under way at once, results by place. One timer watches all of them, and a worker awaits
 * a step's own promise and nothing else: a promise and a timer of ours per record would cost more than most steps.
 */
export class AsyncPass {
  readonly #families: (Family | undefined)[]
  readonly #workers = new Set<Worker>()
  #next: number
  #left: number
  #tick = 0
  #done!: () => void
  #fail!: (error: unknown) => void

  constructor(private readonly options: AsyncPassOptions) {
    this.#next = options.first
    this.#left = options.rows.length - options.first
    this.#families = new Array(this.#left)
    Promise.resolve(options.begun.result).catch(() => {}) // awaited below, once a worker is free
  }

  async run(workers: number, limit: LimitFunction): Promise<readonly (Family | undefined)[]> {
    const patience = Math.min(...this.options.steps.map((step) => step.timeoutMs))
    const tickMs = Math.max(1, Math.min(longestTickMs, patience / 4))
    const timer = setInterval(() => this.#giveUpLate(tickMs, limit), tickMs)
    try {
      await new Promise<void>((resolve, reject) => {
        this.#done = resolve
        this.#fail = reject
        for (let i = 0; i < workers; i++) this.#hire(limit)
      })
    } finally {
      clearInterval(timer)
    }
    return this.#families
  }

  #hire(limit: LimitFunction): void {
    const task = (): Promise<void> =>
      new Promise((leave) => {
        const worker: Worker = { place: -1, step: 0, since: this.#tick, abandoned: false, leave }
        this.#workers.add(worker)
        this.#work(worker).then(leave, (error: unknown) => {
          leave()
          this.#fail(error)
        })
      })
    limit(task).catch((error: unknown) => this.#fail(error))
  }

  async #work(worker: Worker): Promise<void> {
    const { steps, rows, first, begun, context, breather } = this.options
    while (this.#next < rows.length && !worker.abandoned) {
      const place = this.#next++
      worker.place = place
      if ((place & 15) === 15 && breather.due) await breather.breathe()
      context.signal.throwIfAborted()
      let value = rows[place] as Row
      let family: Family = null
      let step = 0
      let promised: PromiseLike<unknown> | undefined
      if (place === first) {
        value = begun.value
        step = begun.step
        promised = begun.result
      }
      try {
        for (; step < steps.length; step++) {
          worker.step = step
          worker.since = this.#tick
          let result: unknown
          try {
            result = promised ?? (steps[step] as StepCall).call(value, context)
            promised = undefined
            if (isThenable(result)) result = await result
          } catch (error) {
            if (!isRetryable(error) || worker.abandoned) throw error
            result = await this.#again(worker, value, error)
          }
          if (typeof result === 'object' && result !== null && !Array.isArray(result)) {
            value = result as Row
            continue
          }
          const rest = through(steps, step, result, context)
          family = isThenable(rest) ? await (rest as Promise<Family>) : (rest as Family)
          break
        }
        if (step === steps.length) family = value
      } catch (error) {
        context.signal.throwIfAborted()
        if (!worker.abandoned) this.options.reject(place, worker.step, error)
        family = null
      }
      if (worker.abandoned) return // its record is settled already
      this.#settle(place, family)
    }
    this.#workers.delete(worker)
  }

  /** Calls the step in hand again after a transient error, as often as a batch would be written again. */
  #again(worker: Worker, value: Row, error: unknown): Promise<unknown> {
    const { steps, context, maxRetries } = this.options
    let first: unknown = error
    return retrying(
      async () => {
        worker.since = this.#tick
        if (first !== undefined) {
          const failed = first
          first = undefined
          throw failed
        }
        return (steps[worker.step] as StepCall).call(value, context)
      },
      // Waiting for the next try is not the step's own time.
      {
        maxRetries,
        signal: context.signal,
        onRetry: () => {
          worker.since = Number.POSITIVE_INFINITY
        },
      },
    )
  }

  #settle(place: number, family: Family): void {
    this.#families[place - this.options.first] = family
    if (--this.#left === 0) this.#done()
  }

  #giveUpLate(tickMs: number, limit: LimitFunction): void {
    this.#tick++
    for (const worker of this.#workers) {
      const step = this.options.steps[worker.step] as StepCall
      if (worker.place < 0 || (this.#tick - worker.since) * tickMs <= step.timeoutMs) continue
      worker.abandoned = true
      this.#workers.delete(worker)
      worker.leave()
      this.options.reject(worker.place, worker.step, timedOut(step))
      this.#hire(limit)
      this.#settle(worker.place, null)
    }
  }
}
