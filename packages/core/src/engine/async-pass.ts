import type { LimitFunction } from 'p-limit'
import type { Row } from '../contracts/values.js'
import type { TransformContext } from '../flow/transformer.js'
import type { BegunRecord } from './begun-record.js'
import { breather } from './breather.js'
import type { Family } from './family-collector.js'
import { isRetryable, retrying } from './retry.js'
import { isThenable, type StepCall, timedOut } from './step-call.js'
import { type CallStep, through } from './through.js'

const longestTickMs = 250

export interface AsyncPassOptions {
  readonly steps: readonly StepCall[]
  readonly rows: readonly Row[]
  /** The first record of the pass; those before it are done. */
  readonly first: number
  /** The first record, if its steps were begun elsewhere. */
  readonly begun: BegunRecord | undefined
  /** Throws if the run bears no more rejections. */
  readonly reject: (place: number, step: number, error: unknown) => void
  readonly context: TransformContext
  readonly maxRetries: number
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
  /** Records begun since the clock was looked at. */
  #ran = 0
  #tick = 0
  #done!: () => void
  #fail!: (error: unknown) => void

  constructor(private readonly options: AsyncPassOptions) {
    this.#next = options.first
    this.#left = options.rows.length - options.first
    this.#families = new Array(this.#left)
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
    const { steps, rows, first, begun, context } = this.options
    const call: CallStep = (step, record) => this.#callChild(worker, step, record)
    while (this.#next < rows.length && !worker.abandoned) {
      const place = this.#next++
      worker.place = place
      if (breather.isBreathing) await breather.breathe()
      if (++this.#ran >= breather.stretch) {
        const isDue = breather.look(this.#ran)
        this.#ran = 0
        if (isDue) await breather.breathe()
      }
      context.signal.throwIfAborted()
      let value = rows[place] as Row
      let family: Family = null
      let step = 0
      try {
        if (place === first && begun !== undefined) {
          family = await this.#takeOver(begun, worker, call)
          step = steps.length + 1
        }
        for (; step < steps.length; step++) {
          worker.step = step
          worker.since = this.#tick
          let result: unknown
          try {
            result = (steps[step] as StepCall).call(value, context)
            if (isThenable(result)) result = await result
          } catch (error) {
            if (!isRetryable(error) || worker.abandoned) throw error
            result = await this.#again(worker, value, error)
          }
          if (worker.abandoned) return // its record is settled already
          if (typeof result === 'object' && result !== null && !Array.isArray(result)) {
            value = result as Row
            continue
          }
          const rest = through(steps, step, result, call)
          family = isThenable(rest) ? await (rest as Promise<Family>) : (rest as Family)
          break
        }
        if (step === steps.length) family = value
      } catch (error) {
        if (worker.abandoned) return
        context.signal.throwIfAborted()
        this.options.reject(place, worker.step, error)
        family = null
      }
      if (worker.abandoned) return
      this.#settle(place, family)
    }
    this.#workers.delete(worker)
  }

  /** The first record, whose steps were begun elsewhere. */
  #takeOver(begun: BegunRecord, worker: Worker, call: CallStep): Family | Promise<Family> {
    begun.handOver(call, (waiting) => {
      worker.step = waiting.step
      worker.since = this.#tick
      return this.#orAgain(worker, waiting.record, waiting.promised)
    })
    return begun.family
  }

  /** Calls a step with one of several children, each with a time of its own. */
  #callChild(worker: Worker, step: number, record: Row): unknown {
    const { steps, context } = this.options
    if (worker.abandoned) throw timedOut(steps[step] as StepCall) // nobody waits for the rest of the family
    worker.step = step
    worker.since = this.#tick
    try {
      const result = (steps[step] as StepCall).call(record, context)
      return isThenable(result) ? this.#orAgain(worker, record, result) : result
    } catch (error) {
      if (!isRetryable(error)) throw error
      return this.#again(worker, record, error)
    }
  }

  async #orAgain(worker: Worker, record: Row, promised: PromiseLike<unknown>): Promise<unknown> {
    try {
      return await promised
    } catch (error) {
      if (!isRetryable(error) || worker.abandoned) throw error
      return this.#again(worker, record, error)
    }
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
        if (worker.abandoned) throw timedOut(steps[worker.step] as StepCall)
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
      try {
        this.options.reject(worker.place, worker.step, timedOut(step))
      } catch (error) {
        this.#fail(error)
        return
      }
      this.#hire(limit)
      this.#settle(worker.place, null)
    }
  }
}
