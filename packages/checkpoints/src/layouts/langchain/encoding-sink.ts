import {
  type Claim,
  type CommitBatch,
  DroverError,
  type ExactSession,
  type ExactSink,
  type FidelityIssue,
  type Operation,
  type Page,
  type Partition,
  type Position,
  type RecordSchema,
  type Rehearsal,
  type Row,
  type SinkAccount,
  type SinkOperation,
  type StateStore,
  type StoreWait,
} from '@drover/core'
import { EncodingPage } from './encoding-page.js'
import { requireMessages, strangeFields } from './message-fields.js'

/** How records become rows of another sink. */
export interface Encoding<R> {
  readonly name: string
  readonly version?: string
  /** Keeps positions: the run's default. */
  readonly stateStore: () => StateStore
  /** Looks at the store, and says what is written there. */
  readonly open: (operation: SinkOperation) => Promise<Opened<R>>
}

export interface Opened<R> {
  readonly sink: ExactSink<Row>
  /** What the rows look like. */
  readonly schema: RecordSchema
  /** @throws what makes the store refuse the record; it becomes `RECORD_REFUSED`. */
  readonly encode: (record: R) => Row
}

/**
 * Writes each record as one row of another sink, exactly once as that one does. Rows are written in the order in which records come, by
 * one partition at a time: the store numbers them, and their order is the history.
 */
export function encodingSink<R extends object>(encoding: Encoding<R>): ExactSink<R> {
  return {
    specVersion: 1,
    name: encoding.name,
    ...(encoding.version === undefined ? {} : { version: encoding.version }),
    guarantee: 'exactly-once',
    keyed: false,
    limits: { partitions: 1 },
    stateStore: encoding.stateStore,
    connect: async (operation) => {
      const opened = await encoding.open(operation)
      return new EncodingSession<R>(await opened.sink.connect(operation), opened, encoding)
    },
  }
}

class EncodingSession<R extends object> implements ExactSession<R> {
  readonly waitsFor?: (partition: Partition, operation: Operation) => Promise<readonly StoreWait[]>

  constructor(
    private readonly inner: ExactSession<Row>,
    private readonly opened: Opened<R>,
    private readonly encoding: Encoding<R>,
  ) {
    if (inner.waitsFor !== undefined) {
      this.waitsFor = async (partition, operation) => (await inner.waitsFor?.(partition, operation)) ?? []
    }
  }

  check(schema: RecordSchema): readonly FidelityIssue[] {
    return [...strangeFields(schema), ...(this.inner.check?.(this.opened.schema) ?? [])]
  }

  async prepare(schema: RecordSchema, operation: Operation): Promise<void> {
    requireMessages(this.encoding.name, schema)
    await this.inner.prepare?.(this.opened.schema, operation)
  }

  async rehearse(schema: RecordSchema, pages: readonly Page<Row>[], operation: Operation): Promise<Rehearsal> {
    requireMessages(this.encoding.name, schema)
    const encoded = pages.map((page) => this.#encode(page as unknown as Page<R>, 0))
    const rehearsal = await this.inner.rehearse?.(this.opened.schema, encoded, operation)
    return rehearsal ?? { creates: [], rows: 0, durationMs: 0, notWritten: 'the store cannot take it back' }
  }

  claim(claim: Claim, operation: Operation): Promise<Position | null> {
    return this.inner.claim(claim, operation)
  }

  write(batch: CommitBatch<R>, operation: Operation & { readonly mode: 'commit' | 'probe' }): Promise<void> {
    const encode = (page: Page<R>, first: number): Page<Row> => this.#encode(page, first)
    const { partition, sequence } = batch
    return this.inner.write(
      {
        partition,
        sequence,
        commit: (outcome) => batch.commit(outcome),
        async *[Symbol.asyncIterator]() {
          let first = 0
          for await (const page of batch) {
            yield encode(page, first)
            first += page.rows().length
          }
        },
      },
      operation,
    )
  }

  account(): SinkAccount | undefined {
    return this.inner.account?.()
  }

  async finish(outcome: 'completed' | 'stopped' | 'failed', operation: Operation): Promise<void> {
    await this.inner.finish?.(outcome, operation)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.inner[Symbol.asyncDispose]()
  }

  /** @param first How many records of the batch came before. */
  #encode(page: Page<R>, first: number): Page<Row> {
    const rows = page.rows().map((record, i) => {
      try {
        return this.opened.encode(record)
      } catch (error) {
        if (DroverError.isInstance(error, 'RECORD_REFUSED') && error.row !== undefined) throw error
        const why = error instanceof Error ? error.message : String(error)
        throw new DroverError('RECORD_REFUSED', `${this.encoding.name}: ${why}`, { row: first + i, cause: error })
      }
    })
    return new EncodingPage(page, rows)
  }
}
