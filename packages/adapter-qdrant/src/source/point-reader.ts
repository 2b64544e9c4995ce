import { abortError, type Cursor, type JsonValue, type ReadOptions } from '@drover/core'
import type { QdrantConnection, Reading } from '../connection/qdrant-connection.js'
import type { ScrollPage } from '../wire/scroll-page.js'
import type { PointId } from '../wire/wire-point.js'
import { comparePointIds, nextPointId } from './point-order.js'
import { PointPage, type RecordForm, sizeOf } from './point-page.js'
import { cursorAt, type PointRange } from './point-range.js'
import type { QdrantRecord } from './qdrant-record.js'
import { refusedRead } from './refused-read.js'

/** What is read of a collection, and how. */
export interface PointReading {
  readonly collection: string
  readonly asked: Pick<Reading, 'withPayload' | 'withVector' | 'consistency'>
  readonly filter: JsonValue | undefined
  readonly form: RecordForm
  /** Which of the points that came are records. */
  readonly keeps: ((record: QdrantRecord) => boolean) | undefined
  readonly page: ReadOptions['page']
  /** Points of one answer at the most. @default 4096 */
  readonly mostPoints?: number | undefined
}

/** Points that are asked for before anything is known of what they hold. */
const first = 16
/** However small the ones before were: what comes may be larger. */
const growth = 8
/** More than so many at once gain nothing, and keep the server busy for long. */
const usualMost = 4_096

/** Reads ranges of points, an answer ahead: while one is being used the next one is under way. */
export class PointReader {
  #limit: number
  readonly #most: number
  /** Bytes of a point, the last ones counting most. */
  #mean = 0

  constructor(
    private readonly connection: QdrantConnection,
    private readonly reading: PointReading,
  ) {
    this.#most = Math.min(reading.page.records, reading.mostPoints ?? usualMost, usualMost)
    this.#limit = Math.min(first, this.#most)
  }

  async *read(range: PointRange, signal: AbortSignal): AsyncGenerator<PointPage, void, undefined> {
    const closing = new AbortController()
    const ending = AbortSignal.any([signal, closing.signal])
    let ahead = this.#ask(range, range.from, ending)
    try {
      for (;;) {
        const answer = await ahead
        const { count, next } = within(answer, range)
        this.#learn(answer)
        if (next !== null) {
          ahead = this.#ask(range, next, ending)
          ahead.catch(() => {}) // whoever goes on reading gets it
        }
        yield* this.#pages(answer, count, range.shard, signal)
        if (next === null) return
      }
    } finally {
      closing.abort()
      await ahead.catch(() => {}) // an answer that nobody asks for any more
    }
  }

  async #ask(range: PointRange, from: PointId | null, signal: AbortSignal): Promise<ScrollPage> {
    if (signal.aborted) throw abortError(signal)
    const { collection, asked, filter } = this.reading
    const answer = this.connection.scroll(collection, {
      ...asked,
      signal,
      filter,
      limit: this.#limit,
      offset: from ?? undefined,
      shardKey: range.shard ?? undefined,
    })
    return await answer.catch(refusedRead)
  }

  /** How many to ask for, so that an answer is about a page. */
  #learn(answer: ScrollPage): void {
    if (answer.count === 0) return
    const { page } = this.reading
    const mean = Math.max(1, answer.bytes / answer.count)
    this.#mean = this.#mean === 0 ? mean : Math.max((this.#mean + mean) / 2, mean)
    const fitting = Math.max(1, Math.floor(page.bytes / this.#mean))
    this.#limit = Math.min(fitting, this.#most, this.#limit * growth)
  }

  /** An answer is cut where it is larger than a page may be: what points hold is known only when they are there. */
  *#pages(answer: ScrollPage, count: number, shard: PointRange['shard'], signal: AbortSignal): Generator<PointPage> {
    const { bytes } = this.reading.page
    let places: number[] = []
    let size = 0
    for (let place = 0; place < count; place++) {
      const more = answer.sizeOf(place)
      if (places.length > 0 && size + more > bytes) {
        if (signal.aborted) throw abortError(signal)
        yield this.#page(answer, places, shard)
        places = []
        size = 0
      }
      places.push(place)
      size += more
    }
    if (signal.aborted) throw abortError(signal)
    if (places.length > 0) yield this.#page(answer, places, shard)
  }

  #page(answer: ScrollPage, places: readonly number[], shard: PointRange['shard']): PointPage {
    const { form, keeps } = this.reading
    const cursor: Cursor = cursorAt(shard, answer.ids[places.at(-1) ?? 0] as PointId)
    const parts = { answer, cursor, form, shard }
    const all = new PointPage({ ...parts, places, bytes: sizeOf(answer, places) })
    if (keeps === undefined) return all
    const rows = all.rows()
    const kept = rows.map(keeps)
    const left = places.filter((_, i) => kept[i])
    return new PointPage(
      { ...parts, places: left, bytes: sizeOf(answer, left) },
      rows.filter((_, i) => kept[i]),
    )
  }
}

/** How many points of an answer are in the range, and where the next one begins; null if there is none. */
function within(answer: ScrollPage, { to }: PointRange): { readonly count: number; readonly next: PointId | null } {
  const last = answer.ids.at(-1)
  if (last === undefined) return { count: 0, next: null }
  if (to !== null && comparePointIds(last, to) >= 0) {
    return { count: answer.ids.findIndex((id) => comparePointIds(id, to) >= 0), next: null }
  }
  const next = answer.next === null ? null : nextPointId(last)
  return { count: answer.count, next: next !== null && to !== null && comparePointIds(next, to) >= 0 ? null : next }
}
