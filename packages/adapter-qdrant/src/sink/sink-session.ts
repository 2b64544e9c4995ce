import {
  type AckSession,
  abortError,
  type Batch,
  DroverError,
  type Operation,
  type Outcome,
  type Page,
  type RecordSchema,
  type Rehearsal,
  type Row,
  type SinkAccount,
  type SinkOperation,
  type Source,
  ValueRefused,
} from '@drover/core'
import type { QdrantConnection } from '../connection/qdrant-connection.js'
import { Embeddings } from '../embed/embeddings.js'
import { PointPage } from '../source/point-page.js'
import type { RawPoint, WirePoint } from '../wire/wire-point.js'
import type { CollectionInfo } from './collection-info.js'
import { Indexing } from './indexing.js'
import { makePoints } from './make-points.js'
import { checkDimensions, type PointForm, pointForm, valuesOf } from './point-form.js'
import { type Draft, PointMaker } from './point-maker.js'
import { type BatchWriter, PointWriter } from './point-writer.js'
import { Refusals } from './refusals.js'
import { ShardKeys } from './shard-keys.js'
import type { AnyOptions } from './sink-options.js'
import { type Plan, Target, unknownSchema } from './target.js'

/** From this version on an upsert can leave points alone that are there. */
const insertOnlySince = [1, 17] as const

/** What writing needs, once the collection is known and the records are. */
interface Prepared {
  readonly maker: PointMaker
  readonly writer: PointWriter
  readonly embeddings: Embeddings | null
}

interface OpenBatch extends Prepared {
  readonly points: BatchWriter
}

/** Writes records as points of one collection. */
export class QdrantSinkSession implements AckSession<Row> {
  readonly readBack?: () => Source
  readonly #target: Target
  readonly #indexing: Indexing
  #prepared: Promise<Prepared> | undefined
  #writing: Prepared | undefined

  constructor(
    private readonly connection: QdrantConnection,
    private readonly options: AnyOptions,
    private readonly operation: SinkOperation,
    readBack: (() => Source) | undefined,
  ) {
    const where = `Qdrant ${connection.name}, collection "${options.collection}"`
    this.#target = new Target(connection, options, where, operation)
    this.#indexing = new Indexing(connection, {
      collection: options.collection,
      where,
      policy: options.indexing ?? 'during',
      threshold: options.indexingThreshold,
      greenTimeoutMs: options.greenTimeoutMs ?? 600_000,
      voice: operation,
    })
    if (readBack !== undefined) this.readBack = readBack
  }

  async prepare(schema: RecordSchema, operation: Operation): Promise<void> {
    this.#prepared = this.#prepare(schema, operation)
    await this.#prepared
  }

  async rehearse(schema: RecordSchema, pages: readonly Page<Row>[], { signal }: Operation): Promise<Rehearsal> {
    const operation = { ...this.operation, signal }
    const plan = await this.#target.plan(operation)
    await this.#checkServer(signal)
    const form = this.#form(schema, plan)
    const maker = this.#maker(form, plan)
    const unembedded = form.embedded === null ? '' : ', and no text was embedded'
    return {
      creates: plan.creates,
      rows: 0,
      durationMs: makePoints(maker, form, pages),
      notWritten: `Qdrant has no transactions, so what is written cannot be taken back: points were made and not sent${unembedded}`,
    }
  }

  async write(batch: Batch<Row>, operation: Operation): Promise<Outcome> {
    const refusals = new Refusals()
    const waiting: Draft[] = []
    let row = 0
    let open: OpenBatch | undefined
    try {
      for await (const page of batch) {
        if (operation.signal.aborted) throw abortError(operation.signal)
        // What only moves the position needs no collection, and may come before anybody knows what records look like.
        if (page.count === 0) continue
        if (page instanceof PointPage) {
          open ??= await this.#open(operation)
          if (open.maker.passesOn) {
            row = await this.#pass(open, page, row, refusals)
            continue
          }
        }
        const records = page.rows()
        if (records.length === 0) continue
        open ??= await this.#open(operation)
        const { maker, points } = open
        const keys = maker.usesKeys ? page.keys() : []
        for (const [i, record] of records.entries()) {
          const at = row++
          const draft = refusals.collect(() => maker.make(record, keys[i], at))
          if (draft === undefined) continue
          if (draft.text !== undefined) waiting.push(draft)
          else await this.#add(points, maker, draft, refusals)
        }
      }
      if (open === undefined) return { inserted: 0, updated: 0, skipped: 0 }
      const { maker, points, embeddings } = open
      if (embeddings !== null && waiting.length > 0 && refusals.isEmpty)
        await this.#embed(waiting, { maker, points, embeddings, refusals }, operation)
      refusals.throwAny()
      return await points.end()
    } catch (error) {
      await open?.points.giveUp()
      throw error
    }
  }

  account(): SinkAccount | undefined {
    const { writer, embeddings } = this.#writing ?? {}
    const notes = [...this.#target.made, ...(this.#indexing.note === undefined ? [] : [this.#indexing.note])]
    if (writer === undefined && notes.length === 0) return undefined
    return { figures: { ...writer?.figures, ...embeddings?.figures }, kept: [], notes }
  }

  heldBytes(): number {
    return this.#writing?.writer.heldBytes ?? 0
  }

  async finish(outcome: 'completed' | 'stopped' | 'failed', operation: Operation): Promise<void> {
    await this.#indexing.end(outcome, operation)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection[Symbol.asyncDispose]()
  }

  async #open(operation: Operation): Promise<OpenBatch> {
    const prepared = await (this.#prepared ?? this.#prepareUnseen(operation))
    return { ...prepared, points: prepared.writer.begin(operation) }
  }

  /** Whoever writes without having said what records look like. */
  #prepareUnseen(operation: Operation): Promise<Prepared> {
    this.#prepared ??= this.#prepare({ ...unknownSchema, isInferred: true }, operation)
    return this.#prepared
  }

  async #prepare(schema: RecordSchema, { signal }: Operation): Promise<Prepared> {
    const operation = { ...this.operation, signal }
    const plan = await this.#target.plan(operation)
    const form = this.#form(schema, plan)
    await this.#checkServer(signal)
    const info = await this.#target.prepare(plan, operation)
    await this.#indexing.begin(info, operation)
    const { options, connection } = this
    const { where } = this.#target
    const before = this.#writing
    const writer =
      before?.writer ??
      new PointWriter(
        {
          connection,
          collection: options.collection,
          where,
          values: valuesOf(form),
          anyFields: form.anyFields,
          insertsOnly: options.onConflict === 'skip',
          beganEmpty: await this.#isEmpty(info, signal),
          shardKeys: info.hasShardKeys
            ? new ShardKeys(connection, options.collection, options.create !== undefined)
            : null,
        },
        options.batchBytes ?? defaultBatchBytes,
      )
    this.#writing = { maker: this.#maker(form, plan), writer, embeddings: before?.embeddings ?? this.#embeddings(form) }
    return this.#writing
  }

  #form(schema: RecordSchema, plan: Plan): PointForm {
    return pointForm(this.#target.where, this.options, schema, plan.spaces)
  }

  #maker(form: PointForm, plan: Plan): PointMaker {
    return new PointMaker(this.#target.where, this.options, form, plan.spaces, plan.hasShardKeys)
  }

  #embeddings({ embedded }: PointForm): Embeddings | null {
    const { embed, embedding } = this.options
    if (embed === undefined || embedded === null) return null
    const check = (size: number): void =>
      checkDimensions(this.#target.where, 'a vector that embed made', size, embedded)
    return new Embeddings('qdrantSink', embed, check, embedding)
  }

  /** The number that a collection tells is near; that of a count is exact. */
  async #isEmpty({ points }: CollectionInfo, signal: AbortSignal): Promise<boolean> {
    if (points > 0) return false
    const { collection } = this.options
    const answer = await this.connection.request(
      'POST',
      `/collections/${encodeURIComponent(collection)}/points/count`,
      { exact: true },
      { signal, doing: `counting the points of collection "${collection}"` },
    )
    return Number((answer as { count: number | bigint }).count) === 0
  }

  async #checkServer(signal: AbortSignal): Promise<void> {
    if (this.options.onConflict !== 'skip') return
    const version = await this.connection.greet(signal)
    const [major = 0, minor = 0] = version ?? []
    if (major > insertOnlySince[0] || (major === insertOnlySince[0] && minor >= insertOnlySince[1])) return
    const is = version === undefined ? 'does not say which version it is' : `is ${version.join('.')}`
    throw new DroverError(
      'SINK_NOT_READY',
      `${this.#target.where}: onConflict: 'skip' needs Qdrant 1.17, which can leave points alone that are there, and this server ${is}. An older one would replace them.`,
    )
  }

  /** @returns the place of the next row */
  async #pass({ maker, points }: OpenBatch, page: PointPage, first: number, refusals: Refusals): Promise<number> {
    let row = first
    for (const raw of page.raw()) {
      const at = row++
      const point = refusals.collect(() => maker.pass(raw, at))
      if (point !== undefined) await this.#add(points, maker, { point, row: at }, refusals)
    }
    return row
  }

  async #add(
    points: BatchWriter,
    maker: PointMaker,
    { point, row }: { readonly point: WirePoint | RawPoint; readonly row: number },
    refusals: Refusals,
  ): Promise<void> {
    // Once a record is refused the batch comes again without it.
    if (!refusals.isEmpty) return
    await refusals.collectAsync(async () => {
      try {
        await points.add(point, row)
      } catch (error) {
        throw error instanceof ValueRefused ? maker.refusal(error, row, 'the point') : error
      }
    })
  }

  async #embed(
    drafts: readonly Draft[],
    {
      maker,
      points,
      embeddings,
      refusals,
    }: Omit<Prepared, 'writer' | 'embeddings'> & {
      readonly points: BatchWriter
      readonly embeddings: Embeddings
      readonly refusals: Refusals
    },
    { signal }: Operation,
  ): Promise<void> {
    const vectors = await embeddings.vectorsOf(
      drafts.map(({ text }) => text as string),
      signal,
    )
    for (const [i, draft] of drafts.entries()) {
      const vector = vectors[i] as Float32Array | DroverError
      const point = refusals.collect(() => {
        if (vector instanceof Float32Array) return maker.embed(draft, vector)
        throw new DroverError('RECORD_REFUSED', vector.message, { cause: vector, row: draft.row })
      })
      if (point !== undefined) await this.#add(points, maker, { ...draft, point }, refusals)
    }
  }
}

/** Half of what Qdrant takes unless it is told otherwise. */
export const defaultBatchBytes = 16 * 1024 * 1024
