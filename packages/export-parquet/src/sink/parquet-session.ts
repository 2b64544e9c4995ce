import {
  type Claim,
  type CommitBatch,
  DroverError,
  type ExactSession,
  type FidelityIssue,
  makeFolders,
  type Operation,
  outputError,
  type Page,
  type Position,
  type RecordSchema,
  type Rehearsal,
  type Row,
  type SinkAccount,
  type Source,
  StagedOutput,
} from '@drover/core'
import { planTable } from '../columns/plan-table.js'
import { RowGroupBuilder } from '../columns/row-group-builder.js'
import { GroupEncoder } from '../encode/group-encoder.js'
import { parquetSource } from '../source/parquet-source.js'
import { DataSet } from './data-set.js'
import { columnsDiffering, columnsNotHeld, detailsOf, type OutputPlan, withRequired } from './details.js'
import type { FinishHelp } from './finish-help.js'
import { FolderRouter } from './folder-router.js'
import { Lane } from './lane.js'
import { OneFile } from './one-file.js'
import type { ParquetSessionOptions } from './parquet-session-options.js'
import { rowsOf } from './pour-all.js'
import { rehearse } from './rehearse.js'

/** What a session keeps of the columns once they are settled. */
interface Settled {
  readonly plan: OutputPlan
  readonly encoder: GroupEncoder
  readonly router: FolderRouter | null
}

/** Rows become row groups lane by lane; the output gets its place when the run is complete. */
export class ParquetSession implements ExactSession<object> {
  readonly #output: StagedOutput
  readonly #placement: OneFile | DataSet
  readonly #lanes = new Map<string, Lane>()
  readonly #encoders: GroupEncoder[] = []
  #settled: Settled | undefined
  /** From the source's description, before anything was written: then a run that goes on must have the same. */
  #described: OutputPlan | undefined
  /** The columns are those that an earlier attempt has written. */
  #isRecalled = false
  #claims = 0
  /** Claimed partitions that add to what is there. Kept, for a partition that commits shows no manifest to the others meanwhile. */
  readonly #adding = new Set<string>()
  #made: { readonly bytes: number; readonly rowGroups: number }[] = []

  constructor(private readonly options: ParquetSessionOptions) {
    const { output, staging, kind, partitionBy } = options
    const placed = { ...options, help: this.#finishHelp() }
    this.#placement = kind === 'file' ? new OneFile(placed) : new DataSet(placed)
    const format = partitionBy.length === 0 ? 'parquet' : `parquet by ${partitionBy.join(', ')}`
    this.#output = new StagedOutput({ output, format, staging }, this.#placement)
  }

  get sampleRecords(): number {
    return this.options.sampleRecords
  }

  readBack(): Source {
    return parquetSource({ path: this.options.output })
  }

  /** Folders are made of whole batches: their pages are looked at once more. */
  get takesPagesOnce(): boolean {
    return this.options.partitionBy.length === 0
  }

  takes(page: Page): boolean {
    return page.pour !== undefined && (this.options.partitionBy.length === 0 || page.columns !== undefined)
  }

  heldBytes(): number {
    let bytes = 0
    for (const lane of this.#lanes.values()) bytes += lane.heldBytes
    // Each lane of the engine counts all of it against its own share.
    return Math.ceil(bytes / Math.max(1, this.#lanes.size))
  }

  check(schema: RecordSchema): readonly FidelityIssue[] {
    return this.#planned(schema).issues
  }

  prepare(schema: RecordSchema): Promise<void> {
    return this.#naming(async () => {
      const plan = outputPlan(schema, this.#planned(schema))
      if (this.#claims === 0) this.#described = plan
      if (this.#settled !== undefined) {
        if (this.#described !== undefined) checkSameColumns(this.#settled.plan, plan, this.options)
        return
      }
      if (!this.#adds) return this.#settle(plan)
      // A guess does not say which columns may be null; what is there does.
      const required = this.#described === undefined ? await this.#placement.required() : new Set<string>()
      await this.#settle(withRequired(plan, required))
      await this.#placement.checkAppend()
    })
  }

  rehearse(schema: RecordSchema, pages: readonly Page<Row>[], operation: Operation): Promise<Rehearsal> {
    return this.#naming(async () => {
      // Refuses what is there and must stay.
      await this.#placement.begin({ run: '', partition: { id: 'all', bounds: null }, fence: 1 })
      const { output, kind, root, path, compression } = this.options
      const plan = outputPlan(schema, this.#planned(schema, true))
      const router = this.#routerOf(plan)
      return rehearse({ output, kind, folder: root, path }, { plan, compression, router }, pages, operation)
    })
  }

  claim(claim: Claim): Promise<Position | null> {
    return this.#naming(async () => {
      const { root, staging } = this.options
      await makeFolders(root, staging)
      this.#claims++
      this.#lanes.get(claim.partition.id)?.forget()
      const position = await this.#output.claim(claim)
      this.#noteAdding(claim.partition.id)
      await this.#recall(claim)
      // An earlier attempt may have come to what is there, and have stored nothing of the columns.
      if (this.#settled !== undefined && this.#adds) await this.#placement.checkAppend()
      return position
    })
  }

  readonly write = (
    batch: CommitBatch<object>,
    { mode, signal }: Operation & { readonly mode: 'commit' | 'probe' },
  ): Promise<void> =>
    this.#naming(async () => {
      if (this.#settled === undefined) return this.#writeNothing(batch, mode)
      const lane = this.#lane(batch.partition.id)
      await (mode === 'commit' ? lane.commit(batch, signal) : lane.probe(batch, signal))
    })

  finish(outcome: 'completed' | 'stopped' | 'failed', operation: Operation): Promise<void> {
    return this.#naming(async () => {
      if (outcome === 'completed') await this.#output.finish(operation)
    })
  }

  account(): SinkAccount | undefined {
    if (this.#made.length === 0) return undefined
    const sum = (of: (file: { bytes: number; rowGroups: number }) => number): number =>
      this.#made.reduce((total, file) => total + of(file), 0)
    const figures = {
      files: this.#made.length,
      rowGroups: sum((file) => file.rowGroups),
      bytes: sum((file) => file.bytes),
    }
    return { figures, kept: [] }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lanes.clear()
    try {
      await this.#output.close()
    } finally {
      for (const encoder of this.#encoders.splice(0)) await encoder[Symbol.asyncDispose]()
    }
  }

  #planned(schema: RecordSchema, isInferred = this.#claims > 0 && this.#described === undefined) {
    const { types, partitionBy } = this.options
    return planTable(schema, { types, partitionBy, isInferred, where: 'parquetSink' })
  }

  get #adds(): boolean {
    return this.#adding.size > 0
  }

  #noteAdding(id: string): void {
    const { manifest } = this.#output.stage(id)
    if (manifest.existing !== undefined || detailsOf(manifest).appends === true) this.#adding.add(id)
    else this.#adding.delete(id)
  }

  /** What an earlier attempt settled holds. @throws `STATE_INVALID` if the records are described otherwise now */
  async #recall(claim: Claim): Promise<void> {
    const stage = this.#output.stage(claim.partition.id)
    this.#lanes.delete(claim.partition.id)
    let stored = detailsOf(stage.manifest).output
    if (stored === undefined && !stage.manifest.finished && this.#settled === undefined) {
      const others = (await this.#output.partitions()).filter(({ manifest }) => manifest.run === claim.run)
      stored = others.map(({ manifest }) => detailsOf(manifest).output).find((one) => one !== undefined)
    }
    if (stored === undefined) return
    if (this.#described !== undefined) checkSameColumns(stored, this.#described, this.options)
    this.#isRecalled = true
    await this.#settle(stored)
  }

  async #settle(plan: OutputPlan): Promise<void> {
    const before = this.#settled
    if (before !== undefined && columnsDiffering(before.plan, plan).length === 0) return
    const { compression, info } = this.options
    const encoder = new GroupEncoder({ compression, plan: plan.plan, onNotice: info })
    this.#encoders.push(encoder)
    this.#settled = { plan, encoder, router: this.#routerOf(plan) }
    if (before !== undefined && this.#lanes.size === 0) {
      // Nobody works with it any more, and the new one takes its thread.
      this.#encoders.splice(this.#encoders.indexOf(before.encoder), 1)
      await before.encoder[Symbol.asyncDispose]()
    }
    encoder.start()
  }

  #routerOf({ partition }: OutputPlan): FolderRouter | null {
    const { output, maxFolders, folds } = this.options
    return partition.length === 0 ? null : new FolderRouter({ where: output, partition, maxFolders, folds })
  }

  #lane(id: string): Lane {
    const known = this.#lanes.get(id)
    if (known !== undefined) return known
    const { output, limits, openFolders } = this.options
    const { plan, router, encoder } = this.#columns
    const lane = new Lane(this.#output.stage(id), {
      output,
      limits,
      openFolders,
      plan,
      router,
      createBuilder: () => this.#createBuilder(),
      encode: (ipc, signal) => encoder.encode(ipc, signal),
      shareOfBytes: () => limits.bytes / Math.max(1, this.#lanes.size),
    })
    this.#lanes.set(id, lane)
    return lane
  }

  /** Nobody knows the columns before there is a record; a batch without one has a position all the same. */
  async #writeNothing(batch: CommitBatch<object>, mode: 'commit' | 'probe'): Promise<void> {
    const stage = this.#output.stage(batch.partition.id)
    for await (const page of batch as AsyncIterable<Page>) if (rowsOf(page) > 0) this.#columns
    if (mode === 'probe') return
    const position = await batch.commit({ inserted: 0, updated: 0, skipped: 0 })
    await stage.commit(position, stage.manifest.parts)
  }

  get #columns(): Settled {
    if (this.#settled !== undefined) return this.#settled
    throw new DroverError('CONTRACT_BROKEN', `${this.options.output}: it is written to before its columns are settled.`)
  }

  #createBuilder(): RowGroupBuilder {
    const { plan, partition } = this.#columns.plan
    return new RowGroupBuilder(
      plan,
      this.options.output,
      partition.map(({ name }) => name),
    )
  }

  #finishHelp(): FinishHelp {
    return {
      limits: this.options.limits,
      plan: () => this.#settled?.plan,
      adopt: (plan) => this.#settle(plan),
      isWritten: () => this.#isRecalled || this.#lanes.size > 0,
      createBuilder: () => this.#createBuilder(),
      encode: (ipc, signal) => this.#columns.encoder.encode(ipc, signal),
      schema: async (signal) => {
        // There never was a record: the file has no columns.
        if (this.#settled === undefined) await this.#settle({ plan: { columns: [] }, partition: [], key: [] })
        return this.#columns.encoder.schema(signal)
      },
      hashOf: (partition) => this.#lanes.get(partition)?.hash,
      made: (files) => {
        this.#made = [...files]
      },
    }
  }

  async #naming<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw outputError(error, this.options.output)
    }
  }
}

function outputPlan(schema: RecordSchema, { plan, partition }: ReturnType<typeof planTable>): OutputPlan {
  return { plan, partition, key: schema.key }
}

/** @throws `STATE_INVALID` with the columns that differ */
function checkSameColumns(
  stored: OutputPlan,
  now: OutputPlan,
  { output, staging }: Pick<ParquetSessionOptions, 'output' | 'staging'>,
): void {
  const differing = columnsNotHeld(stored, now)
  if (differing.length === 0) return
  const names = differing.map((name) => `"${name}"`).join(', ')
  throw new DroverError(
    'STATE_INVALID',
    `${output}: this run began to write it with other columns: ${names} ${differing.length === 1 ? 'differs' : 'differ'} now. Give source and sink what they had, or delete ${staging} to write it anew.`,
  )
}
