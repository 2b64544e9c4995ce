import { changedConfig, createdConfig, type VectorSettings, vectorSettings } from './collection-settings.js'
import type { Json, JsonObject } from './json-scanner.js'
import { OrderedPoints } from './ordered-points.js'
import type { PointInput } from './point-bodies.js'
import type { PointId } from './point-id.js'
import { storedVectors } from './stored-vectors.js'
import type { Vectors } from './vector-value.js'

export interface Point {
  readonly id: PointId
  readonly version: number
  readonly vectors: Vectors
  readonly payload: JsonObject
  readonly shardKey: string | number | null
}

/** The points of one collection, in memory. */
export class Collection {
  readonly points = new OrderedPoints<Point>()
  readonly payloadSchema = new Map<string, JsonObject>()
  #config: JsonObject
  #vectors: ReadonlyMap<string, VectorSettings>
  #operations = 0

  constructor(
    readonly name: string,
    body: JsonObject,
  ) {
    this.#config = createdConfig(body)
    this.#vectors = vectorSettings(this.#config.params)
  }

  get config(): JsonObject {
    return this.#config
  }

  get vectorSettings(): ReadonlyMap<string, VectorSettings> {
    return this.#vectors
  }

  change(body: JsonObject): void {
    this.#config = changedConfig(this.#config, body)
    this.#vectors = vectorSettings(this.#config.params)
  }

  /** The number that the next change gets. */
  nextOperation(): number {
    return this.#operations++
  }

  /** All of them or, if one cannot be stored, none. @throws Refusal */
  upsert(inputs: readonly PointInput[], version: number, shardKey: string | number | null): void {
    const points = inputs.map(({ id, vectors, payload }) => ({
      id,
      version,
      vectors: storedVectors(vectors, this.#vectors),
      payload: payload ?? {},
      shardKey,
    }))
    for (const point of points) this.points.set(point)
  }

  info(): Json {
    const count = this.points.size
    return {
      status: 'green',
      optimizer_status: 'ok',
      indexed_vectors_count: 0,
      points_count: count,
      segments_count: 2,
      config: this.#config,
      payload_schema: Object.fromEntries(this.payloadSchema),
      update_queue: { length: 0 },
    }
  }
}
