import type {
  Claim,
  CommitBatch,
  ExactSession,
  FidelityIssue,
  Operation,
  Page,
  Partition,
  Position,
  RecordKey,
  RecordSchema,
  Rehearsal,
  Row,
  SinkAccount,
  Source,
  StoreWait,
} from '@drover/core'
import { type Encode, EncodedPage } from './encoded-page.js'

/** How records become rows of another sink. */
export interface Encoding<I, R extends object> {
  /** What the rows look like. */
  readonly schema: RecordSchema
  /** What would be lost of such records. @throws `SINK_NOT_READY` if they are of another kind */
  readonly check: (records: RecordSchema) => readonly FidelityIssue[]
  /**
   * Called for each batch: what makes its rows, and what is told once they are durable.
   *
   * `encode` throws `RECORD_REFUSED` or `RECORD_UNREADABLE` for a record that the sink does not take.
   */
  readonly begin: () => { readonly encode: Encode<I, R>; readonly committed?: () => void }
  /** The rows that are there now, for a verification: what `encode` makes of the records. */
  readonly readBack?: () => Source
  /** What the encoding has to say, with what the other sink says. */
  readonly account?: (inner: SinkAccount | undefined) => SinkAccount | undefined
}

/** A session of another sink, which is given a row for each record. What the other one cannot do, this one cannot. */
export class EncodedSession<I extends object, R extends object> implements ExactSession<I> {
  readonly takesPagesOnce: boolean
  readonly waitsFor?: (partition: Partition, operation: Operation) => Promise<readonly StoreWait[]>
  readonly readBack?: () => Source
  readonly readsBackAs?: (record: Row, key: RecordKey) => Row

  constructor(
    private readonly inner: ExactSession<R>,
    private readonly encoding: Encoding<I, R>,
  ) {
    this.takesPagesOnce = inner.takesPagesOnce ?? false
    const { readBack } = encoding
    if (readBack !== undefined) {
      const { encode } = encoding.begin()
      this.readBack = readBack
      this.readsBackAs = (record, key) => encode(record as object as I, key) as object as Row
    }
    if (inner.waitsFor !== undefined) {
      this.waitsFor = async (partition, operation) => (await inner.waitsFor?.(partition, operation)) ?? []
    }
  }

  check(schema: RecordSchema): readonly FidelityIssue[] {
    return [...this.encoding.check(schema), ...(this.inner.check?.(this.encoding.schema) ?? [])]
  }

  async prepare(schema: RecordSchema, operation: Operation): Promise<void> {
    this.encoding.check(schema)
    await this.inner.prepare?.(this.encoding.schema, operation)
  }

  async rehearse(schema: RecordSchema, pages: readonly Page<Row>[], operation: Operation): Promise<Rehearsal> {
    this.encoding.check(schema)
    const { encode } = this.encoding.begin()
    let first = 0
    const encoded = pages.map((page) => {
      const made = new EncodedPage(page as Page<object> as Page<I>, first, encode)
      first += page.rows().length
      return made as Page<object> as Page<Row>
    })
    const rehearsal = await this.inner.rehearse?.(this.encoding.schema, encoded, operation)
    return (
      rehearsal ?? { creates: [], rows: 0, durationMs: 0, notWritten: 'what is written there cannot be taken back' }
    )
  }

  heldBytes(): number {
    return this.inner.heldBytes?.() ?? 0
  }

  claim(claim: Claim, operation: Operation): Promise<Position | null> {
    return this.inner.claim(claim, operation)
  }

  readonly write = async (
    batch: CommitBatch<I>,
    operation: Operation & { readonly mode: 'commit' | 'probe' },
  ): Promise<void> => {
    const { encode, committed } = this.encoding.begin()
    const { partition, sequence } = batch
    await this.inner.write(
      {
        partition,
        sequence,
        commit: (outcome) => batch.commit(outcome),
        async *[Symbol.asyncIterator]() {
          let first = 0
          for await (const page of batch) {
            const { length } = page.rows()
            yield new EncodedPage(page, first, encode)
            first += length
          }
        },
      },
      operation,
    )
    if (operation.mode === 'commit') committed?.()
  }

  account(): SinkAccount | undefined {
    const inner = this.inner.account?.()
    return this.encoding.account === undefined ? inner : this.encoding.account(inner)
  }

  async finish(outcome: 'completed' | 'stopped' | 'failed', operation: Operation): Promise<void> {
    await this.inner.finish?.(outcome, operation)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.inner[Symbol.asyncDispose]()
  }
}
