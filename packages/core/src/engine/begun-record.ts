import type { Row } from '../contracts/values.js'
import type { TransformContext } from '../flow/transformer.js'
import type { Family } from './family-collector.js'
import { isRetryable } from './retry.js'
import { isThenable, type StepCall } from './step-call.js'
import { type CallStep, through } from './through.js'

/** A call that has to be waited for. */
export interface WaitingCall {
  readonly step: number
  readonly record: Row
  readonly promised: PromiseLike<unknown>
}

/**
 * A record that halted the synchronous loop, taken on from there. If it has to wait, whoever waits for it goes on with
 * it through {@link handOver}, so that no step is called twice.
 */
export class BegunRecord {
  /** The step called last. */
  step: number
  #family: Family | Promise<Family> = null
  #waiting: WaitingCall | undefined
  #answer: ((result: unknown) => void) | undefined
  #call: CallStep = (step, record) => {
    this.step = step
    try {
      const result = (this.steps[step] as StepCall).call(record, this.context)
      return isThenable(result) ? this.#wait({ step, record, promised: result }) : result
    } catch (error) {
      if (!isRetryable(error)) throw error
      return this.#wait({ step, record, promised: Promise.reject(error) })
    }
  }

  constructor(
    private readonly steps: readonly StepCall[],
    private readonly context: TransformContext,
    /** The step that halted, what it was called with, and what it gave; a promise if it has to be waited for. */
    private readonly halted: { readonly step: number; readonly value: Row; readonly result: unknown },
  ) {
    this.step = halted.step
  }

  /** Goes on as far as nothing has to be waited for. Throws what a step throws, unless the call is to be tried again. */
  begin(): Family | Promise<Family> {
    const { step, value, result } = this.halted
    const given = isThenable(result) ? this.#wait({ step, record: value, promised: result }) : result
    this.#family = through(this.steps, step, given, (at, record) => this.#call(at, record))
    if (isThenable(this.#family)) Promise.resolve(this.#family).catch(() => {}) // whoever takes it over awaits it
    return this.#family
  }

  /** What becomes of the record. */
  get family(): Family | Promise<Family> {
    return this.#family
  }

  /** From here on `call` calls the steps, and `answer` says what the waiting call gave. */
  handOver(call: CallStep, answer: (waiting: WaitingCall) => unknown): void {
    this.#call = call
    if (this.#waiting !== undefined) this.#answer?.(answer(this.#waiting))
  }

  #wait(waiting: WaitingCall): Promise<unknown> {
    this.#waiting = waiting
    Promise.resolve(waiting.promised).catch(() => {}) // awaited once it is handed over
    return new Promise((resolve) => {
      this.#answer = resolve
    })
  }
}
