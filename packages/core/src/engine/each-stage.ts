import type { LimitFunction } from 'p-limit'
import type { Row } from '../contracts/values.js'
import type { TransformContext } from '../flow/transformer.js'
import type { Rows, Stage, StageHelp } from './chain.js'
import type { StepReject } from './record-page.js'
import { isRetryable, retrying } from './retry.js'
import { invalidResult, isThenable, type StepCall, stepFailed, timedOut } from './step-call.js'

/** What one record became: a row, several, or none. */
type Family = Row | readonly Row[] | null

/** A result that the fast loop does not go on with by itself. */
interface Detour {
  readonly step: number
  readonly result: unknown
}

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
    const out = new Collector(input)
    const count = input.rows.length
    const last = steps.length
    for (let i = 0; i < count; i++) {
      if ((i & 15) === 15 && breather.due) {
        context.signal.throwIfAborted()
        await breather.breathe()
      }
      let value = input.rows[i] as Row
      let step = 0
      let detour: Detour | undefined
      try {
        for (; step < last; step++) {
          const result = (steps[step] as StepCall).call(value, context)
          if (
            typeof result === 'object' &&
            result !== null &&
            !Array.isArray(result) &&
            typeof (result as { then?: unknown }).then !== 'function'
          ) {
            value = result as Row
          } else {
            detour = { step, result }
            break
          }
        }
      } catch (error) {
        if (isRetryable(error)) {
          await this.#runTogether(input, i, { step, result: Promise.reject(error) }, value, out, rejects, context)
          return out.rows()
        }
        this.#reject(out.owner(i), step, error, rejects)
        out.diverge(i)
        continue
      }
      if (detour === undefined) {
        out.push(i, value)
      } else if (isThenable(detour.result)) {
        await this.#runTogether(input, i, detour, value, out, rejects, context)
        return out.rows()
      } else if (detour.result === null) {
        out.add(i, null)
      } else {
        const at = { step }
        try {
          const family = this.#beyond(detour.result, step, at, context)
          out.add(i, isThenable(family) ? await (family as Promise<Family>) : (family as Family))
        } catch (error) {
          context.signal.throwIfAborted()
          this.#reject(out.owner(i), at.step, error, rejects)
          out.diverge(i)
        }
      }
    }
    return out.rows()
  }

  /** The records from `first` on, several under way; `first` itself has a promise pending already, from `detour.step` on `value`. */
  async #runTogether(
    input: Rows,
    first: number,
    detour: Detour,
    value: Row,
    out: Collector,
    rejects: Map<number, StepReject>,
    context: TransformContext,
  ): Promise<void> {
    const { breather } = this.help
    const families: (Family | undefined)[] = new Array(input.rows.length - first)
    const pending = Promise.resolve(detour.result)
    pending.catch(() => {}) // handled below, when its turn has come
    let next = first
    const work = async (): Promise<void> => {
      while (next < input.rows.length) {
        const i = next++
        if (breather.due) await breather.breathe()
        context.signal.throwIfAborted()
        const at = { step: 0 }
        try {
          if (i === first) {
            at.step = detour.step
            families[0] = await this.#continue(value, detour.step, pending, at, context)
          } else {
            const family = this.#through(input.rows[i] as Row, 0, at, context)
            families[i - first] = isThenable(family) ? await (family as PromiseLike<Family>) : (family as Family)
          }
        } catch (error) {
          context.signal.throwIfAborted()
          this.#reject(out.owner(i), at.step, error, rejects)
        }
      }
    }
    const workers = Math.min(this.concurrency, input.rows.length - first)
    await Promise.all(Array.from({ length: workers }, () => this.limit(work)))
    for (let i = first; i < input.rows.length; i++) out.add(i, families[i - first] ?? null)
  }

  /** Runs a record through the steps from `from` on; synchronous as long as the steps are. `at.step` is the step in hand. */
  #through(record: Row, from: number, at: { step: number }, context: TransformContext): Family | Promise<Family> {
    let value = record
    for (let step = from; step < this.steps.length; step++) {
      at.step = step
      const call = this.steps[step] as StepCall
      let result: unknown
      try {
        result = call.call(value, context)
      } catch (error) {
        if (!isRetryable(error)) throw error
        result = Promise.reject(error)
      }
      if (isThenable(result)) return this.#continue(value, step, result, at, context)
      if (typeof result !== 'object' || result === null || Array.isArray(result))
        return this.#beyond(result, step, at, context)
      value = result as Row
    }
    return value
  }

  /** Awaits what `step` promised of `value`, trying again after transient errors, and goes on behind it. */
  async #continue(
    value: Row,
    step: number,
    promised: PromiseLike<unknown>,
    at: { step: number },
    context: TransformContext,
  ): Promise<Family> {
    const call = this.steps[step] as StepCall
    let first: PromiseLike<unknown> | undefined = promised
    const guarded = (): Promise<unknown> => {
      const result = first ?? Promise.resolve(call.call(value, context))
      first = undefined
      return this.help.watchdog.guard(result, call.timeoutMs, () => timedOut(call))
    }
    let result: unknown
    try {
      result = await guarded()
    } catch (error) {
      if (!isRetryable(error)) throw error
      first = Promise.reject(error)
      result = await retrying(guarded, { maxRetries: this.help.maxRetries, signal: context.signal })
    }
    return this.#beyond(result, step, at, context)
  }

  /** Goes on behind `step` with what it gave: null, one record, or several in order. */
  #beyond(result: unknown, step: number, at: { step: number }, context: TransformContext): Family | Promise<Family> {
    if (result === null) return null
    if (!Array.isArray(result)) {
      if (typeof result !== 'object') throw invalidResult(this.steps[step] as StepCall, result)
      return this.#through(result as Row, step + 1, at, context)
    }
    const rows: Row[] = []
    for (let i = 0; i < result.length; i++) {
      const family = this.#child(result[i], step, at, context)
      if (isThenable(family)) return this.#lateChildren(result, i, family as Promise<Family>, rows, step, at, context)
      append(rows, family as Family)
    }
    return rows
  }

  #child(child: unknown, step: number, at: { step: number }, context: TransformContext): Family | Promise<Family> {
    if (typeof child !== 'object' || child === null || Array.isArray(child))
      throw invalidResult(this.steps[step] as StepCall, child)
    return this.#through(child as Row, step + 1, at, context)
  }

  /** The children from `first` on, which has a promise pending; one after the other. */
  async #lateChildren(
    children: readonly unknown[],
    first: number,
    pending: Promise<Family>,
    rows: Row[],
    step: number,
    at: { step: number },
    context: TransformContext,
  ): Promise<Family> {
    append(rows, await pending)
    for (const child of children.slice(first + 1)) append(rows, await this.#child(child, step, at, context))
    return rows
  }

  #reject(owner: number, step: number, error: unknown, rejects: Map<number, StepReject>): void {
    const call = this.steps[step] as StepCall
    if (!rejects.has(owner)) rejects.set(owner, { record: owner, stage: call.stage, error: stepFailed(call, error) })
  }
}

function append(rows: Row[], family: Family): void {
  if (family === null) return
  if (Array.isArray(family)) for (const row of family as readonly Row[]) rows.push(row)
  else rows.push(family as Row)
}

/** Gathers what comes out, and owners only from the first record on that did not become exactly one row. */
class Collector {
  readonly #out: Row[] = []
  #owners: number[] | null

  constructor(private readonly input: Rows) {
    this.#owners = input.owners === null ? null : []
  }

  owner(place: number): number {
    return this.input.owners === null ? place : (this.input.owners[place] as number)
  }

  push(place: number, row: Row): void {
    this.#out.push(row)
    if (this.#owners !== null) this.#owners.push(this.owner(place))
  }

  add(place: number, family: Family): void {
    if (family !== null && !Array.isArray(family)) {
      this.push(place, family as Row)
      return
    }
    this.diverge(place)
    if (family === null) return
    for (const row of family as readonly Row[]) this.push(place, row)
  }

  /** The record at `place` does not become exactly one row: from here on owners are kept. */
  diverge(place: number): void {
    this.#owners ??= Array.from({ length: place }, (_, i) => i)
  }

  rows(): Rows {
    return { rows: this.#out, owners: this.#owners }
  }
}
