import {
  type Claim,
  DroverError,
  type ExactSession,
  type ExactSink,
  type Operation,
  type Page,
  type Partition,
  type Position,
  type RecordSchema,
  type Row,
} from '@drover/core'
import { operation } from '../support/operation.js'
import { noCounts, SampleBatch, type SampleBatchOptions } from '../support/sample-batch.js'
import { pagesOf } from '../support/sample-page.js'

export const partitionA: Partition = { id: 'a', bounds: { from: null, to: [7, 'ü'] }, start: { row: 0 } }
export const partitionB: Partition = { id: 'b', bounds: { from: [7, 'ü'], to: null } }

/** The run of the suites' own batches. */
export const sampleRun = '5b0a9a52-7a53-4cbb-9f5b-2d6d6b8f6c11'

export type BatchOptions = Partial<Omit<SampleBatchOptions, 'claim' | 'pages'>>

/** One claimed partition, written as the engine writes it. */
export class SinkLane {
  position: Position

  private constructor(
    readonly session: ExactSession,
    readonly claim: Claim,
    readonly schema: RecordSchema,
    /** What the claim gave back. */
    readonly found: Position | null,
  ) {
    this.position = found ?? { ...claim, sequence: 0, cursor: null, done: false, counts: noCounts }
  }

  /** Claims a partition in a session of its own, or in the one given. */
  static async open(
    sink: ExactSink,
    schema: RecordSchema,
    { fence = 1, partition = partitionA, run = sampleRun, session }: Partial<Claim> & { session?: ExactSession } = {},
  ): Promise<SinkLane> {
    const open = session ?? (await sink.connect(operation()))
    const claim = { run, partition, fence }
    const found = await open.claim(claim, operation())
    await open.prepare?.(schema, operation())
    return new SinkLane(open, claim, schema, found)
  }

  /** The rows in pages, with cursors that go on where the partition stands. */
  pages(rows: readonly Row[], pageSize = 10): Page[] {
    return pagesOf(rows, this.schema.key, pageSize, this.position.counts.read)
  }

  batch(pages: readonly Page[], options: BatchOptions = {}): SampleBatch {
    return new SampleBatch({
      claim: this.claim,
      sequence: this.position.sequence + 1,
      before: this.position.counts,
      pages,
      ...options,
    })
  }

  /** Commits one batch of these rows; the sink may have ended it before the last page. */
  async write(rows: readonly Row[], options: BatchOptions & { readonly pageSize?: number } = {}): Promise<SampleBatch> {
    const { pageSize, ...own } = options
    const batch = this.batch(this.pages(rows, pageSize), own)
    await this.put(batch)
    return batch
  }

  async put(batch: SampleBatch, { signal }: Operation = operation()): Promise<void> {
    const write = () => this.session.write(batch, { signal, mode: 'commit' })
    await write().catch((error: unknown) => {
      if (!DroverError.isInstance(error, 'BATCH_AGAIN')) throw error
      batch.again()
      return write()
    })
    if (batch.committed === undefined) throw new Error('The sink returned from write() without calling commit().')
    this.position = batch.committed
  }

  async probe(rows: readonly Row[], pageSize?: number): Promise<SampleBatch> {
    const batch = this.batch(this.pages(rows, pageSize))
    await this.session.write(batch, { ...operation(), mode: 'probe' })
    return batch
  }

  /** Commits all of these rows, in as many batches as the sink wants. */
  async writeAll(rows: readonly Row[], pageSize = 10): Promise<void> {
    let left = rows
    while (left.length > 0) {
      const batch = await this.write(left, { pageSize })
      if (batch.pulled === 0) throw new Error('The sink ended a batch before its first page.')
      left = left.slice(batch.pulled)
    }
  }

  /** Ends the partition and the run. */
  async complete(): Promise<void> {
    await this.end()
    await this.session.finish?.('completed', operation())
  }

  /** Commits that the partition has no more records. */
  async end(): Promise<void> {
    await this.put(this.batch([], { done: true }))
  }

  async close(): Promise<void> {
    await this.session[Symbol.asyncDispose]()
  }
}
