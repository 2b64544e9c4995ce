import type { LimitFunction } from 'p-limit'
import type { Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import type { BatchTransform, TransformContext } from '../flow/transformer.js'
import { breather } from './breather.js'
import type { Rows, Stage, StageHelp } from './chain.js'
import { retrying } from './retry.js'
import { invalidResult, isThenable, type StepCall, stepFailed, timedOut } from './step-call.js'
import type { StepRejects } from './step-rejects.js'

/** A step that takes many records at once and answers for each by its place. */
export class BatchStage implements Stage {
  constructor(
    private readonly step: StepCall,
    private readonly transform: BatchTransform<Row, Row>,
    private readonly limit: LimitFunction,
    private readonly help: StageHelp,
  ) {}

  async run(input: Rows, rejects: StepRejects, context: TransformContext): Promise<Rows> {
    const rows: Row[] = []
    const owners: number[] = []
    const ownerOf = (place: number): number => (input.owners === null ? place : (input.owners[place] as number))
    const settle = async (from: number, to: number): Promise<void> => {
      if (from === to) return
      const mark = rows.length
      try {
        const results = await this.#call(input.rows.slice(from, to), context)
        for (let i = from; i < to; i++) {
          for (const row of familyOf(this.step, results[i - from])) {
            rows.push(row)
            owners.push(ownerOf(i))
          }
        }
      } catch (error) {
        context.signal.throwIfAborted()
        if (to - from === 1) {
          rejects.add(ownerOf(from), this.step.stage, stepFailed(this.step, error))
          return
        }
        rows.length = mark
        owners.length = mark
        // It does not say which record it was: find out by halves.
        const middle = (from + to) >> 1
        await settle(from, middle)
        await settle(middle, to)
      }
    }
    await settle(0, input.rows.length)
    const isEach = input.owners === null && rows.length === input.rows.length && owners.every((owner, i) => owner === i)
    return { rows, owners: isEach ? null : owners }
  }

  async #call(records: readonly Row[], context: TransformContext): Promise<readonly unknown[]> {
    if (breather.due) await breather.breathe()
    const once = async (): Promise<unknown> => {
      const answer = this.transform(records, context)
      return isThenable(answer) ? this.#inTime(answer) : answer
    }
    const answer = await this.limit(() => retrying(once, { maxRetries: this.help.maxRetries, signal: context.signal }))
    if (!Array.isArray(answer) || answer.length !== records.length) {
      const got = Array.isArray(answer) ? `${answer.length} results` : 'no array'
      throw new DroverError(
        'TRANSFORM_INVALID_RESULT',
        `${this.step.name} gave ${got} for ${records.length} records; it answers for each record by its place.`,
      )
    }
    return answer
  }

  async #inTime(promised: PromiseLike<unknown>): Promise<unknown> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(timedOut(this.step)), this.step.timeoutMs)
    })
    try {
      return await Promise.race([promised, late])
    } finally {
      clearTimeout(timer)
    }
  }
}

function familyOf(step: StepCall, result: unknown): readonly Row[] {
  if (result === null) return []
  if (!Array.isArray(result)) {
    if (typeof result !== 'object' || result === undefined) throw invalidResult(step, result)
    return [result as Row]
  }
  for (const row of result) {
    if (typeof row !== 'object' || row === null || Array.isArray(row)) throw invalidResult(step, row)
  }
  return result as Row[]
}
