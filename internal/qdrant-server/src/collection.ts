import { changedConfig, createdConfig, type VectorSettings, vectorSettings } from './collection-settings.js'
import { isObject, type Json, type JsonObject } from './json-scanner.js'
import { OrderedPoints } from './ordered-points.js'
import { compareIds, type PointId } from './point-id.js'
import { Refusal, wrongInput } from './refusal.js'
import { UpdateQueue } from './update-queue.js'
import type { Vectors } from './vector-value.js'

export type ShardKey = string | number

export interface Point {
  readonly id: PointId
  /** Number of the operation that wrote it last. */
  readonly version: number
  readonly vectors: Vectors
  readonly payload: JsonObject
  readonly shardKey: ShardKey | null
}

export type Points = OrderedPoints<Point>

/** The points of one collection, in memory, by shard key (null where points are spread without keys). */
export class Collection {
  readonly shards = new Map<ShardKey | null, Points>()
  /** Fields with an index: what was asked for, as `payload_schema` shows it. */
  readonly indexes = new Map<string, { readonly type: string; readonly params: JsonObject | null }>()
  readonly queue: UpdateQueue
  #config: JsonObject
  #vectors: ReadonlyMap<string, VectorSettings>
  #indexed = 0
  #optimizing = 0

  constructor(
    readonly name: string,
    body: JsonObject,
    /** How long an update without `wait` stays unseen, and an optimisation runs, in milliseconds. */
    private readonly delayMs: number,
  ) {
    this.#config = createdConfig(body)
    this.#vectors = vectorSettings(this.#config.params)
    if (!this.hasShardKeys) this.shards.set(null, new OrderedPoints())
    this.queue = new UpdateQueue(delayMs, () => this.optimize())
  }

  get config(): JsonObject {
    return this.#config
  }

  get vectors(): ReadonlyMap<string, VectorSettings> {
    return this.#vectors
  }

  get hasShardKeys(): boolean {
    return isObject(this.#config.params) && this.#config.params.sharding_method === 'custom'
  }

  get count(): number {
    let count = 0
    for (const points of this.shards.values()) count += points.size
    return count
  }

  change(body: JsonObject): void {
    this.#config = changedConfig(this.#config, body)
    this.#vectors = vectorSettings(this.#config.params)
    this.optimize()
  }

  /** The shards that a request is for. Reads without a key are for all; writes have to name one where there are keys. @throws Refusal */
  shardsFor(selector: Json | undefined, isWrite: boolean): Map<ShardKey | null, Points> {
    if (selector === undefined || selector === null) {
      if (isWrite && this.hasShardKeys) throw wrongInput('Shard key not specified')
      return this.shards
    }
    const keys = isObject(selector) ? [selector.target] : Array.isArray(selector) ? selector : [selector]
    const chosen = new Map<ShardKey | null, Points>()
    for (const key of keys) {
      const points = typeof key === 'string' || typeof key === 'number' ? this.shards.get(key) : undefined
      if (points === undefined) throw new Refusal(404, `Not found: Shard key ${String(key)} not found`)
      chosen.set(key as ShardKey, points)
    }
    return chosen
  }

  /** In the order of ids, from one on; a point that is in several shards comes as often. */
  *from(id: PointId | null, shards: Iterable<Points> = this.shards.values()): Generator<Point> {
    const [first, ...others] = [...shards].map((points) => points.from(id))
    if (first !== undefined) yield* others.length === 0 ? first : merged([first, ...others])
  }

  /** Begins what the settings ask for, as the optimiser of the real one does after each update. */
  optimize(): void {
    const { optimizer_config: settings } = this.#config
    const threshold = isObject(settings) ? settings.indexing_threshold : 0
    if (typeof threshold !== 'number' || threshold === 0 || this.#optimizing > 0) return
    const size = [...this.#vectors.values()].reduce((sum, vector) => sum + vector.size * 4, 0)
    const count = this.count
    if (((count - this.#indexed) * size) / 1024 < threshold) return
    this.#optimizing++
    setTimeout(() => {
      this.#optimizing--
      this.#indexed = count
      this.optimize()
    }, this.delayMs).unref()
  }

  info(): Json {
    const count = this.count
    return {
      status: this.#optimizing > 0 ? 'yellow' : 'green',
      optimizer_status: 'ok',
      indexed_vectors_count: Math.min(this.#indexed, count),
      points_count: count,
      segments_count: 2,
      config: this.#config,
      payload_schema: Object.fromEntries(
        [...this.indexes].map(([field, index]) => [field, this.#indexInfo(field, index)]),
      ),
      update_queue: { length: this.queue.length },
    }
  }

  #indexInfo(field: string, { type, params }: { type: string; params: JsonObject | null }): Json {
    const name = field.split('.')[0] ?? field
    let points = 0
    for (const point of this.from(null)) if (point.payload[name] !== undefined) points++
    return { data_type: type, ...(params === null ? {} : { params }), points }
  }
}

function* merged(sources: readonly Generator<Point>[]): Generator<Point> {
  const heads = sources.map((source) => source.next())
  for (;;) {
    let least = -1
    for (const [at, head] of heads.entries()) {
      const best = heads[least]
      if (!head.done && (!best || best.done || compareIds(head.value.id, best.value.id) < 0)) least = at
    }
    const head = heads[least]
    const source = sources[least]
    if (!head || head.done || !source) return
    yield head.value
    heads[least] = source.next()
  }
}
