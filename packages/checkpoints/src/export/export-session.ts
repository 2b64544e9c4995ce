import {
  type Claim,
  type CommitBatch,
  DroverError,
  type ExactSession,
  type FidelityIssue,
  type Operation,
  type Page,
  type Position,
  type RecordKey,
  type RecordSchema,
  type Rehearsal,
  type Row,
  type SinkAccount,
} from '@drover/core'
import type { CheckpointRecord } from '../records/checkpoint-record.js'
import type { MessageRecord } from '../records/message-record.js'
import { OpaqueCount } from '../serde/tags/opaque.js'
import { ExportPage } from './export-page.js'

export type ExportedRecord = CheckpointRecord | MessageRecord

/** How records become rows of files. */
export interface ExportForm {
  /** Names the sink in errors. */
  readonly where: string
  /** What the rows look like. */
  readonly schema: RecordSchema
  /** @throws `RECORD_UNREADABLE`, `RECORD_REFUSED` */
  readonly row: (record: ExportedRecord, key: RecordKey, opaque: OpaqueCount) => object
}

/** Writes records as rows of another sink's files, and counts the values that stay opaque. */
export class ExportSession implements ExactSession<ExportedRecord> {
  readonly takesPagesOnce: boolean
  readonly #opaque = new Map<string, number>()

  constructor(
    private readonly inner: ExactSession<object>,
    private readonly form: ExportForm,
  ) {
    this.takesPagesOnce = inner.takesPagesOnce ?? false
  }

  check(schema: RecordSchema): readonly FidelityIssue[] {
    this.#requireRecords(schema)
    return this.inner.check?.(this.form.schema) ?? []
  }

  async prepare(schema: RecordSchema, operation: Operation): Promise<void> {
    this.#requireRecords(schema)
    await this.inner.prepare?.(this.form.schema, operation)
  }

  async rehearse(schema: RecordSchema, pages: readonly Page<Row>[], operation: Operation): Promise<Rehearsal> {
    this.#requireRecords(schema)
    const opaque = new OpaqueCount()
    let first = 0
    const exported = pages.map((page) => {
      const made = this.#page(page as unknown as Page<ExportedRecord>, first, opaque)
      first += page.rows().length
      return made as unknown as Page<Row>
    })
    const rehearsal = await this.inner.rehearse?.(this.form.schema, exported, operation)
    return rehearsal ?? { creates: [], rows: 0, durationMs: 0, notWritten: 'the files cannot be rehearsed' }
  }

  heldBytes(): number {
    return this.inner.heldBytes?.() ?? 0
  }

  claim(claim: Claim, operation: Operation): Promise<Position | null> {
    return this.inner.claim(claim, operation)
  }

  readonly write = async (
    batch: CommitBatch<ExportedRecord>,
    operation: Operation & { readonly mode: 'commit' | 'probe' },
  ): Promise<void> => {
    const { partition, sequence } = batch
    const opaque = new OpaqueCount()
    const page = (inner: Page<ExportedRecord>, first: number) => this.#page(inner, first, opaque)
    await this.inner.write(
      {
        partition,
        sequence,
        commit: (outcome) => batch.commit(outcome),
        async *[Symbol.asyncIterator]() {
          let first = 0
          for await (const inner of batch) {
            const { length } = inner.rows()
            yield page(inner, first)
            first += length
          }
        },
      },
      operation,
    )
    if (operation.mode === 'commit') this.#count(opaque)
  }

  /** With how many values of the records written stayed opaque, by type. */
  account(): SinkAccount | undefined {
    const inner = this.inner.account?.()
    if (this.#opaque.size === 0) return inner
    const figures = Object.fromEntries([...this.#opaque].map(([type, count]) => [`opaque ${type}`, count]))
    return { kept: [], ...inner, figures: { ...inner?.figures, ...figures } }
  }

  async finish(outcome: 'completed' | 'stopped' | 'failed', operation: Operation): Promise<void> {
    await this.inner.finish?.(outcome, operation)
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.inner[Symbol.asyncDispose]()
  }

  #page(page: Page<ExportedRecord>, first: number, opaque: OpaqueCount): ExportPage<ExportedRecord> {
    return new ExportPage(page, first, (record, key) => this.form.row(record, key, opaque))
  }

  #count({ counts }: OpaqueCount): void {
    for (const [type, count] of Object.entries(counts)) {
      this.#opaque.set(type, (this.#opaque.get(type) ?? 0) + count)
    }
  }

  #requireRecords({ fields }: RecordSchema): void {
    const names = new Set(fields.map(({ name }) => name))
    const isOne = [...needed].some((all) => all.every((name) => names.has(name)))
    if (fields.length === 0 || isOne) return
    throw new DroverError(
      'SINK_NOT_READY',
      `${this.form.where}: it takes checkpoints and messages as checkpointSource gives them, and these records have neither ${needed
        .map((all) => all.join(', '))
        .join(' nor ')}. Records of other kinds are written by jsonSink and parquetSink.`,
    )
  }
}

/** What only a checkpoint, or only a message, has. */
const needed = [
  ['thread_id', 'checkpoint_id', 'state'],
  ['session_id', 'order', 'content'],
] as const
