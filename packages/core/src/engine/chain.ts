import pLimit from 'p-limit'
import type { Page } from '../contracts/page.js'
import type { RecordSchema } from '../contracts/schema.js'
import type { Operation, Row } from '../contracts/values.js'
import type { Step } from '../flow/flow.js'
import type { TransformContext, TransformerTraits } from '../flow/transformer.js'
import { BatchStage } from './batch-stage.js'
import type { AlsoFailed } from './closing.js'
import { type DeclaredFields, declaredFields, keepsRest, recordsOf, wholeRecords, withColumns } from './column-steps.js'
import { EachStage } from './each-stage.js'
import { RecordPage } from './record-page.js'
import { estimateBytes } from './row-size.js'
import { type StepCall, stepCall } from './step-call.js'
import { StepRejects } from './step-rejects.js'

/** Rows on their way through the stages; `owners[i]` is the source record of row i, null while row i is record i. */
export interface Rows {
  readonly rows: readonly Row[]
  readonly owners: readonly number[] | null
}

/** What a stage needs besides its steps. */
export interface StageHelp {
  readonly maxRetries: number
}

export interface Stage {
  run(input: Rows, rejects: StepRejects, context: TransformContext): Promise<Rows>
}

/** The steps of a flow, ready to run over pages. One chain serves all partitions of a run. */
export class Chain {
  readonly #calls: readonly StepCall[]
  readonly #stages: readonly Stage[]
  /** A transformer that stands in the chain twice is opened once. */
  readonly #opened = new Set<TransformerTraits<never>>()
  /** Null once it has turned out that the records have to be whole. */
  #declared: DeclaredFields | null

  constructor(steps: readonly Step[], options: { readonly maxRetries: number }) {
    this.#calls = steps.map((step, index) => stepCall(step, index + 1))
    this.#stages = stagesOf(this.#calls, options)
    this.#declared = declaredFields(this.#calls)
  }

  get isEmpty(): boolean {
    return this.#calls.length === 0
  }

  /** Whether a step says that it sets one of these fields. */
  sets(fields: readonly string[]): boolean {
    return this.#calls.some(({ traits }) => traits?.writes?.some((field) => fields.includes(field)) === true)
  }

  async open(operation: Operation): Promise<void> {
    for (const { traits } of this.#calls) {
      if (traits === undefined || this.#opened.has(traits)) continue
      await traits.open?.(operation)
      this.#opened.add(traits)
    }
  }

  /** Closes what was opened, last first; all of it, also when one fails. */
  async close(alsoFailed: AlsoFailed): Promise<void> {
    const opened = [...this.#opened].reverse()
    this.#opened.clear()
    const errors: unknown[] = []
    for (const traits of opened) {
      try {
        await traits.close?.()
      } catch (error) {
        errors.push(error)
      }
    }
    const [first, ...others] = errors
    for (const error of others) alsoFailed(error)
    if (errors.length > 0) throw first
  }

  /** What the records look like behind the steps; null if a step does not say. */
  describe(schema: RecordSchema): RecordSchema | null {
    let described: RecordSchema = schema
    for (const call of this.#calls) {
      if (call.keepsSchema) continue
      if (call.traits?.describe === undefined) return null
      described = call.traits.describe(described)
    }
    return described
  }

  /** `bear` throws once the run bears no more rejections than the page has by then. */
  async run(
    page: Page<Row>,
    context: TransformContext,
    bear: (rejects: StepRejects) => void = () => {},
  ): Promise<RecordPage> {
    const rejects = new StepRejects(bear)
    const input = page.rows()
    const { rows, owners } = await this.#transform(input, rejects, context)
    const bytes = rows === input ? 0 : estimateBytes(rows)
    return new RecordPage(page, rows, owners, rejects.all, page.bytes + bytes)
  }

  /**
   * The same where every step says which fields it reads and sets: they are given these alone, and no other is decoded as long
   * as each record becomes one. Null if the records have to be whole.
   */
  async runByColumn(
    page: Page<Row>,
    context: TransformContext,
    bear: (rejects: StepRejects) => void = () => {},
  ): Promise<RecordPage | Page<Row> | null> {
    const declared = this.#declared
    const input = declared === null ? null : recordsOf(page, declared)
    if (declared === null || input === null) return this.#needsWhole()
    const rejects = new StepRejects(bear)
    const { rows, owners } = await this.#transform(input, rejects, context)
    const [first] = rows
    const origin = input[owners?.[0] ?? 0]
    if (first !== undefined && origin !== undefined && !keepsRest(origin, first, declared)) return this.#needsWhole()
    const patched = owners === null ? withColumns(page, rows, declared) : null
    if (patched !== null) return patched
    const whole = wholeRecords(page.rows(), rows, owners, declared)
    return new RecordPage(page, whole, owners, rejects.all, page.bytes + estimateBytes(whole))
  }

  async #transform(input: readonly Row[], rejects: StepRejects, context: TransformContext): Promise<Rows> {
    let rows: Rows = { rows: input, owners: null }
    for (const stage of this.#stages) rows = await stage.run(rows, rejects, context)
    return rejects.size > 0 ? withoutRejected(rows, rejects) : rows
  }

  #needsWhole(): null {
    this.#declared = null
    return null
  }
}

/** Steps that take one record run fused, record by record; a step that takes many is a stage of its own. */
function stagesOf(calls: readonly StepCall[], help: StageHelp): Stage[] {
  const stages: Stage[] = []
  let fused: StepCall[] = []
  const close = (): void => {
    if (fused.length === 0) return
    const concurrency = Math.min(...fused.map((call) => call.concurrency))
    stages.push(new EachStage(fused, concurrency, pLimit(concurrency), help))
    fused = []
  }
  for (const call of calls) {
    if (call.batch !== undefined) {
      close()
      stages.push(new BatchStage(call, call.batch, pLimit(call.concurrency), help))
    } else {
      fused.push(call)
    }
  }
  close()
  return stages
}

/** A record is rejected as a whole: its siblings that came through go with it. */
function withoutRejected(input: Rows, rejects: StepRejects): Rows {
  const rows: Row[] = []
  const owners: number[] = []
  for (let i = 0; i < input.rows.length; i++) {
    const owner = input.owners === null ? i : (input.owners[i] as number)
    if (rejects.has(owner)) continue
    rows.push(input.rows[i] as Row)
    owners.push(owner)
  }
  return { rows, owners }
}
