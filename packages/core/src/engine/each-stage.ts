import type { LimitFunction } from 'p-limit'
import type { Row } from '../contracts/values.js'
import type { TransformContext } from '../flow/transformer.js'
import { AsyncPass } from './async-pass.js'
import type { Rows, Stage, StageHelp } from './chain.js'
import { type Family, FamilyCollector } from './family-collector.js'
import type { StepReject } from './record-page.js'
import { isRetryable } from './retry.js'
import { isThenable, type StepCall, stepFailed } from './step-call.js'
import { through } from './through.js'

/**
 * Steps that take one record each, fused: a record runs through all of them before the next one starts.
 * Nothing is awaited until a step returns a promise; from there on the page runs with several records under way, in order.
 */
export class EachStage implements Stage {
  constructor(
    private readonly steps: readonly StepCall[],
    private readonly concurrency: number,
    private readonly limit: LimitFunction,
    private readonly help: StageHelp,
  ) {}

  async run(input: Rows, rejects: Map<number, StepReject>, context: TransformContext): Promise<Rows> {
    const { steps } = this
    const { breather } = this.help
    const out = new FamilyCollector(input)
    const count = input.rows.length
    const reject = (place: number, step: number, error: unknown): void => {
      const owner = out.ownerOf(place)
      const call = steps[step] as StepCall
      if (!rejects.has(owner)) rejects.set(owner, { record: owner, stage: call.stage, error: stepFailed(call, error) })
    }
    for (let i = 0; i < count; i++) {
      if ((i & 15) === 15 && breather.due) {
        context.signal.throwIfAborted()
        await breather.breathe()
      }
      let value = input.rows[i] as Row
      let step = 0
      let result: unknown
      try {
        for (; step < steps.length; step++) {
          result = (steps[step] as StepCall).call(value, context)
          if (!isPlainRecord(result)) break
          value = result
        }
        if (step === steps.length) {
          out.push(i, value)
          continue
        }
        if (result === null) {
          out.add(i, null)
          continue
        }
        if (!isThenable(result)) result = through(steps, step, result, context)
        if (!isThenable(result)) {
          out.add(i, result as Family)
          continue
        }
      } catch (error) {
        if (!isRetryable(error)) {
          reject(i, step, error)
          out.diverge(i)
          continue
        }
        result = Promise.reject(error)
      }
      // A promise: this record and those behind it go on together.
      const pass = new AsyncPass({
        steps,
        rows: input.rows,
        first: i,
        begun: { value, step, result: result as PromiseLike<unknown> },
        reject,
        context,
        maxRetries: this.help.maxRetries,
        breather,
      })
      const families = await pass.run(Math.min(this.concurrency, count - i), this.limit)
      for (let j = i; j < count; j++) out.add(j, families[j - i] ?? null)
      break
    }
    return out.rows()
  }
}

/** Something the next step can take as it is. */
function isPlainRecord(result: unknown): result is Row {
  return (
    typeof result === 'object' &&
    result !== null &&
    !Array.isArray(result) &&
    typeof (result as { then?: unknown }).then !== 'function'
  )
}
