import type { LimitFunction } from 'p-limit'
import type { Row } from '../contracts/values.js'
import type { TransformContext } from '../flow/transformer.js'
import { AsyncPass } from './async-pass.js'
import { BegunRecord } from './begun-record.js'
import { breather } from './breather.js'
import type { Rows, Stage, StageHelp } from './chain.js'
import { type Family, FamilyCollector } from './family-collector.js'
import { isRetryable } from './retry.js'
import { isThenable, type StepCall, stepFailed } from './step-call.js'
import type { StepRejects } from './step-rejects.js'

/** Where the fast loop stopped, and why: a result that is neither a record nor null, or an error. */
interface Halt {
  step: number
  value: Row
  result: unknown
  error: unknown
  failed: boolean
}

/**
 * Steps that take one record each, fused: a record runs through all of them before the next one starts.
 * Nothing is awaited until a step returns a promise; from there on the page runs with several records under way, in order.
 */
export class EachStage implements Stage {
  readonly #calls: readonly StepCall['call'][]
  /** A step gave a promise once: from then on none is called before it may have so many calls under way. */
  #waits = false

  constructor(
    private readonly steps: readonly StepCall[],
    private readonly concurrency: number,
    private readonly limit: LimitFunction,
    private readonly help: StageHelp,
  ) {
    this.#calls = steps.map((step) => step.call)
  }

  async run(input: Rows, rejects: StepRejects, context: TransformContext): Promise<Rows> {
    const { steps } = this
    const { maxRetries } = this.help
    const { rows } = input
    const out = new FamilyCollector(input)
    let looked = 0
    const halt: Halt = { step: 0, value: {}, result: null, error: null, failed: false }
    const reject = (place: number, step: number, error: unknown): void => {
      const failed = steps[step] as StepCall
      rejects.add(out.ownerOf(place), failed.stage, stepFailed(failed, error))
    }
    const pass = async (first: number, begun?: BegunRecord): Promise<void> => {
      const waiting = new AsyncPass({ steps, rows, first, begun, reject, context, maxRetries })
      const families = await waiting.run(Math.min(this.concurrency, rows.length - first), this.limit)
      for (let i = first; i < rows.length; i++) out.add(i, families[i - first] ?? null)
    }
    for (let at = 0; at < rows.length; ) {
      if (at === 0 ? breather.due : breather.look(at - looked)) {
        context.signal.throwIfAborted()
        await breather.breathe()
      }
      looked = at
      if (this.#waits) {
        await pass(at)
        break
      }
      const end = Math.min(at + breather.stretch, rows.length)
      const place = runFused(this.#calls, rows, at, end, context, out, halt)
      if (place === end) {
        at = end
        continue
      }
      at = place + 1
      if (halt.failed && !isRetryable(halt.error)) {
        reject(place, halt.step, halt.error)
        out.diverge(place)
        continue
      }
      const result = halt.failed ? Promise.reject(halt.error) : halt.result
      const begun = new BegunRecord(steps, context, { step: halt.step, value: halt.value, result })
      try {
        const family = begun.begin()
        if (!isThenable(family)) {
          out.add(place, family as Family)
          continue
        }
      } catch (error) {
        reject(place, begun.step, error)
        out.diverge(place)
        continue
      }
      // It has to be waited for: this record and those behind it go on together.
      if (!halt.failed) this.#waits = true
      await pass(place, begun)
      break
    }
    return out.rows()
  }
}

/** Runs records through all steps as long as each gives a record or null at once; gives the place where it halted, or `end`. */
function runFused(
  calls: readonly StepCall['call'][],
  rows: readonly Row[],
  from: number,
  end: number,
  context: TransformContext,
  out: FamilyCollector,
  halt: Halt,
): number {
  const last = calls.length
  let place = from
  let step = 0
  let value: Row = halt.value
  try {
    for (; place < end; place++) {
      value = rows[place] as Row
      for (step = 0; step < last; step++) {
        const result = (calls[step] as StepCall['call'])(value, context)
        if (
          typeof result !== 'object' ||
          result === null ||
          Array.isArray(result) ||
          typeof (result as { then?: unknown }).then === 'function'
        ) {
          if (result === null) break
          halt.step = step
          halt.value = value
          halt.result = result
          halt.failed = false
          return place
        }
        value = result as Row
      }
      if (step === last) out.push(place, value)
      else out.diverge(place)
    }
    return end
  } catch (error) {
    halt.step = step
    halt.value = value
    halt.error = error
    halt.failed = true
    return place
  }
}
