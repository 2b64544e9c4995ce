import {
  allOf,
  type ConnectOperation,
  type Count,
  type Cursor,
  compileFilter,
  DroverError,
  type Filter,
  type JsonValue,
  type Operation,
  type Page,
  type Partition,
  type ReadOptions,
  type RecordSchema,
  type Row,
  type SourceSession,
  suggestNames,
} from '@drover/core'
import { openQdrant } from '../connection/open-qdrant.js'
import type { QdrantConnection, Reading } from '../connection/qdrant-connection.js'
import type { QdrantLocation } from '../connection/qdrant-location.js'
import { type CollectionShape, readShape } from './collection-shape.js'
import { cutRange, halveRange, type Looking } from './partitions.js'
import { filterFields, isPayloadField, payloadPath, valueAt } from './payload-path.js'
import { firstUuid } from './point-order.js'
import type { RecordForm } from './point-page.js'
import { behindCursor, narrowedRange, type PointRange, partitionOf, rangeOf, wholeRange } from './point-range.js'
import { PointReader } from './point-reader.js'
import { type NativeFilter, nativeFilter, pushDown } from './push-down.js'
import type { QdrantRecord } from './qdrant-record.js'
import { recordSchema } from './record-schema.js'
import { refusedRead } from './refused-read.js'

/** What `qdrantSource` makes of its options. */
export interface SourceSettings {
  readonly location: QdrantLocation
  readonly collection: string
  /** As Qdrant takes it. */
  readonly filter: JsonValue | undefined
  readonly where: Filter | undefined
  readonly payload: boolean | readonly string[]
  readonly vectors: boolean | readonly string[]
  readonly consistency: Reading['consistency']
  /** Keys of the shards that are read; null for all. */
  readonly shardKeys: readonly (string | number)[] | null
}

const where = 'qdrantSource'

export async function connectSource(
  settings: SourceSettings,
  operation: ConnectOperation,
): Promise<SourceSession<QdrantRecord>> {
  const connection = openQdrant(settings.location, where, operation.warn)
  try {
    await connection.greet(operation.signal)
    const shape = await readShape(connection, settings.collection, operation)
    checkVectors(shape, settings)
    return new QdrantSourceSession(connection, settings, shape)
  } catch (error) {
    await connection[Symbol.asyncDispose]()
    throw error
  }
}

class QdrantSourceSession implements SourceSession<QdrantRecord> {
  /** Shards with keys: ids are those of a shard. */
  readonly hasParts: boolean
  readonly #form: RecordForm
  /** What of `where` Qdrant is asked for, and whether that is all of it. */
  readonly #asked: readonly Filter[]
  readonly #keeps: ((record: QdrantRecord) => boolean) | undefined
  #closed: Promise<void> | undefined

  constructor(
    private readonly connection: QdrantConnection,
    private readonly settings: SourceSettings,
    private readonly shape: CollectionShape,
  ) {
    const { payload } = settings
    this.hasParts = shape.shardKeys !== null
    const named = [...shape.vectors.keys()].some((name) => this.#wants(name))
    this.#form = {
      payload: payload !== false && !(Array.isArray(payload) && payload.length === 0),
      // Without named ones it is there in any case: a record with an id, a payload and vectors is a point.
      vector: (shape.vector !== null && this.#wants('')) || !named,
      vectors: named,
    }
    const { pushed, rest } = settings.where === undefined ? { pushed: [], rest: [] } : pushDown(settings.where, shape)
    this.#asked = pushed
    this.#keeps = keeping(allOf(rest))
  }

  async describe(operation: Operation): Promise<RecordSchema> {
    const ids = {
      numbers: await this.#has(null, firstUuid, operation),
      uuids: await this.#has(firstUuid, null, operation),
    }
    return recordSchema(this.shape, this.#form, ids, (name) => this.#wants(name))
  }

  async count({ filter, ...operation }: Operation & { readonly filter?: Filter }): Promise<Count> {
    const asked = this.#native(filter)
    if (asked.range === null) return { value: 0, exact: true }
    const { shardKeys } = this.shape
    const path = `/collections/${encodeURIComponent(this.settings.collection)}/points/count`
    const body = {
      exact: true,
      ...asJson(this.#filter(asked)),
      ...(shardKeys === null ? {} : { shard_key: this.#shards() }),
    }
    const doing = `counting the points of collection "${this.settings.collection}"`
    const { count } = (await this.connection
      .request('POST', path, body, { ...operation, doing })
      .catch(refusedRead)) as { readonly count: number }
    const isWhole = asked.range.from === null && asked.range.to === null
    return { value: count, exact: isWhole && this.#keeps === undefined }
  }

  pushDown(filter: Filter): { readonly pushed?: Filter; readonly rest?: Filter } {
    const { pushed, rest } = pushDown(filter, this.shape)
    const [all, others] = [allOf(pushed), allOf(rest)]
    return { ...(all && { pushed: all }), ...(others && { rest: others }) }
  }

  async partition({
    count,
    filter,
    ...operation
  }: Operation & { readonly count: number; readonly filter?: Filter }): Promise<readonly Partition[]> {
    const asked = this.#native(filter)
    const ranges = this.#ranges()
    const each = Math.max(1, Math.ceil(count / ranges.length))
    const looking = this.#looking(asked)
    const parts = await Promise.all(ranges.map((range) => cutRange(range, each, looking, operation)))
    return parts.flat().map(partitionOf)
  }

  async split({
    partition,
    after,
    ...operation
  }: Operation & { readonly partition: Partition; readonly after: Cursor | null }): Promise<readonly Partition[]> {
    const range = rangeOf(partition)
    const ranges = range === null ? this.#ranges() : [range]
    const left = after === null ? ranges : behindCursor(ranges, after)
    const [only, ...others] = left
    if (only === undefined) return []
    if (others.length > 0) return left.map(partitionOf)
    return (await halveRange(only, this.#looking(this.#native(undefined)), operation)).map(partitionOf)
  }

  async *read({
    partition,
    after,
    filter,
    page,
    signal,
  }: ReadOptions): AsyncGenerator<Page<QdrantRecord>, void, undefined> {
    const range = rangeOf(partition)
    const ranges = range === null ? this.#ranges() : [range]
    const asked = this.#native(filter)
    const reader = new PointReader(this.connection, {
      collection: this.settings.collection,
      asked: this.#reading(),
      filter: this.#filter(asked),
      form: this.#form,
      keeps: this.#keeps,
      page,
      mostPoints: this.shape.mostPoints,
    })
    for (const left of after === null ? ranges : behindCursor(ranges, after)) {
      const part = asked.range && narrowedRange(left, asked.range)
      if (part !== null) yield* reader.read(part, signal)
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await this.connection[Symbol.asyncDispose]()
  }

  #wants(name: string): boolean {
    const { vectors } = this.settings
    return typeof vectors === 'boolean' ? vectors : vectors.includes(name)
  }

  #shards(): readonly (string | number)[] {
    return this.settings.shardKeys ?? this.shape.shardKeys ?? []
  }

  /** All that is read, in order. */
  #ranges(): readonly PointRange[] {
    return this.shape.shardKeys === null ? [wholeRange] : this.#shards().map((shard) => ({ ...wholeRange, shard }))
  }

  #native(filter: Filter | undefined): NativeFilter {
    return nativeFilter([...this.#asked, ...(filter === undefined ? [] : [filter])], this.shape)
  }

  #filter({ conditions }: NativeFilter): JsonValue | undefined {
    const { filter } = this.settings
    const must = [...(filter === undefined ? [] : [filter]), ...conditions]
    return must.length === 0 ? undefined : { must }
  }

  #looking(asked: NativeFilter): Looking {
    const { connection, shape, settings } = this
    return { connection, collection: settings.collection, filter: this.#filter(asked), mostPoints: shape.mostPoints }
  }

  #reading(): Pick<Reading, 'withPayload' | 'withVector' | 'consistency'> {
    const { payload, vectors, consistency } = this.settings
    return {
      withPayload: this.#form.payload && payload,
      withVector: Array.isArray(vectors) && vectors.length === 0 ? false : vectors,
      consistency,
    }
  }

  async #has(from: PointRange['from'], to: PointRange['to'], { signal }: Operation): Promise<boolean> {
    for (const range of this.#ranges()) {
      const reader = new PointReader(this.connection, {
        collection: this.settings.collection,
        asked: { withPayload: false, withVector: false, consistency: undefined },
        filter: undefined,
        form: { payload: false, vector: false, vectors: false },
        keeps: undefined,
        page: { records: 1, bytes: 1 },
      })
      for await (const _ of reader.read({ ...range, from, to }, signal)) return true
    }
    return false
  }
}

function asJson(filter: JsonValue | undefined): { readonly filter?: JsonValue } {
  return filter === undefined ? {} : { filter }
}

function checkVectors({ vector, vectors, shardKeys }: CollectionShape, settings: SourceSettings): void {
  const { collection } = settings
  const known = [...(vector === null ? [] : ['']), ...vectors.keys()]
  for (const name of Array.isArray(settings.vectors) ? (settings.vectors as readonly string[]) : []) {
    if (known.includes(name)) continue
    throw new DroverError(
      'SOURCE_NOT_FOUND',
      `${where}: collection "${collection}" has no vector "${name}"${suggestNames(name, known)}`,
    )
  }
  for (const key of settings.shardKeys ?? []) {
    if (shardKeys?.includes(key)) continue
    const reason = shardKeys === null ? '; its shards have no keys.' : suggestNames(String(key), shardKeys.map(String))
    throw new DroverError('SOURCE_NOT_FOUND', `${where}: collection "${collection}" has no shard "${key}"${reason}`)
  }
}

/** The part of `where` that is looked at in each record. */
function keeping(filter: Filter | undefined): ((record: QdrantRecord) => boolean) | undefined {
  if (filter === undefined) return undefined
  const test = compileFilter(filter)
  const paths = filterFields(filter)
    .filter(isPayloadField)
    .map((field) => [field, payloadPath(field)] as const)
  return (record) => {
    const looked: Row = { id: record.id }
    for (const [field, path] of paths) looked[field] = valueAt(record.payload, path)
    return test(looked)
  }
}
