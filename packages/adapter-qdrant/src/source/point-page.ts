import type { Cursor, Page, RecordKey, Row } from '@drover/core'
import type { ScrollPage } from '../wire/scroll-page.js'
import type { RawPoint } from '../wire/wire-point.js'
import { pointIdJson } from './point-order.js'
import type { QdrantRecord } from './qdrant-record.js'

/** What of a point becomes a record. */
export interface RecordForm {
  readonly payload: boolean
  readonly vector: boolean
  readonly vectors: boolean
}

/** What a page is made of. */
export interface PointPageParts {
  readonly answer: ScrollPage
  /** Of the points in the answer, those that are records of the page. */
  readonly places: readonly number[]
  readonly bytes: number
  readonly cursor: Cursor
  readonly form: RecordForm
  /** The key of their shard; null where shards have none. */
  readonly shard: string | number | null
}

/** Points of an answer, decoded when someone asks. */
export class PointPage implements Page<QdrantRecord> {
  #rows: readonly QdrantRecord[] | undefined
  #keys: readonly RecordKey[] | undefined

  /** @param rows If they were decoded already. */
  constructor(
    private readonly parts: PointPageParts,
    rows?: readonly QdrantRecord[],
  ) {
    this.#rows = rows
  }

  get count(): number {
    return this.parts.places.length
  }

  get bytes(): number {
    return this.parts.bytes
  }

  get cursor(): Cursor {
    return this.parts.cursor
  }

  rows(): readonly QdrantRecord[] {
    const { answer, places, form, shard } = this.parts
    this.#rows ??= places.map((place) => recordOf(answer, place, form, shard))
    return this.#rows
  }

  keys(): readonly RecordKey[] {
    const { answer, places, shard } = this.parts
    this.#keys ??= places.map((place) => {
      const id = pointIdJson(answer.ids[place] as number)
      return { source: shard === null ? [id] : [shard, id], child: 0 }
    })
    return this.#keys
  }

  /** The points as they came, for a sink that passes them on. */
  raw(): Iterable<RawPoint> {
    const { answer, places } = this.parts
    return places.map((place) => answer.rawPoint(place))
  }

  slice(from: number, to: number): PointPage {
    const { answer } = this.parts
    const start = Math.max(from, 0)
    const places = this.parts.places.slice(start, Math.max(to, start))
    const rows = this.#rows?.slice(start, Math.max(to, start))
    return new PointPage({ ...this.parts, places, bytes: sizeOf(answer, places) }, rows)
  }

  choose(chosen: readonly number[]): PointPage {
    const { answer } = this.parts
    const places = chosen.map((i) => this.parts.places[i] as number)
    const rows = this.#rows && chosen.map((i) => this.#rows?.[i] as QdrantRecord)
    return new PointPage({ ...this.parts, places, bytes: sizeOf(answer, places) }, rows)
  }

  release(): void {
    this.#rows = undefined
    this.#keys = undefined
  }
}

/** Bytes of these points in the answer. */
export function sizeOf(answer: ScrollPage, places: readonly number[]): number {
  let bytes = 0
  for (const place of places) bytes += answer.sizeOf(place)
  return bytes
}

function isEmpty(vectors: object | null): boolean {
  for (const _ in vectors) return false
  return true
}

function recordOf(
  answer: ScrollPage,
  place: number,
  { payload, vector, vectors }: RecordForm,
  shard: string | number | null,
): QdrantRecord {
  const point = answer.point(place)
  return {
    id: point.id,
    // A point without a payload is told in two ways, by the version of the server.
    payload: payload ? (point.payload ?? ({} as Row)) : null,
    ...(vector ? { vector: point.vector } : {}),
    ...(vectors ? { vectors: isEmpty(point.vectors) ? null : point.vectors } : {}),
    ...(shard === null ? {} : { shard_key: shard }),
  }
}
