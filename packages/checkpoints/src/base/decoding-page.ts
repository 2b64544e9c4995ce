import { type Cursor, DroverError, type Page, type RecordKey, type SourceReject } from '@drover/core'
import type { Decoding } from './decoding-source.js'

/** Which rows of the other page can be decoded, and what became of the others. */
interface Sorted {
  readonly places: readonly number[]
  readonly rejected: readonly SourceReject[]
}

/** A page whose rows are decoded when somebody asks for them. */
export class DecodingPage<I extends object, R> implements Page<R> {
  #sorted: Sorted | undefined
  #rows: readonly R[] | undefined
  #keys: readonly RecordKey[] | undefined

  constructor(
    private readonly inner: Page<I>,
    private readonly decoding: Pick<Decoding<I, R>, 'decode' | 'keyOf' | 'rawOf'>,
  ) {}

  get count(): number {
    return this.#sorted === undefined ? this.inner.count : this.#sorted.places.length + this.#sorted.rejected.length
  }

  get bytes(): number {
    return this.inner.bytes
  }

  get cursor(): Cursor {
    return this.inner.cursor
  }

  get rejected(): readonly SourceReject[] {
    return this.#sort().rejected
  }

  rows(): readonly R[] {
    const { places } = this.#sort()
    if (this.#rows !== undefined) return this.#rows
    const rows = this.inner.rows()
    this.#rows = places.map((place) => this.decoding.decode(rows[place] as I))
    return this.#rows
  }

  keys(): readonly RecordKey[] {
    const { places } = this.#sort()
    if (this.#keys !== undefined) return this.#keys
    const { keyOf } = this.decoding
    if (keyOf !== undefined) {
      this.#keys = this.rows().map((record) => ({ source: keyOf(record), child: 0 }))
      return this.#keys
    }
    const keys = this.inner.keys()
    this.#keys = places.map((place) => keys[place] as RecordKey)
    return this.#keys
  }

  slice(from: number, to: number): DecodingPage<I, R> {
    const { places } = this.#sort()
    const start = Math.min(Math.max(from, 0), places.length)
    const end = Math.min(Math.max(to, start), places.length)
    const first = places[start] ?? 0
    const page = new DecodingPage(
      this.inner.slice(first, start < end ? (places[end - 1] as number) + 1 : first),
      this.decoding,
    )
    page.#sorted = { places: places.slice(start, end).map((place) => place - first), rejected: [] }
    page.#rows = this.#rows?.slice(start, end)
    return page
  }

  release(isReread: boolean): void {
    this.#sort()
    this.#rows = undefined
    this.#keys = undefined
    this.inner.release?.(isReread)
  }

  #sort(): Sorted {
    this.#sorted ??= this.#decodeAll()
    return this.#sorted
  }

  #decodeAll(): Sorted {
    const keys = this.inner.keys()
    const rows: R[] = []
    const places: number[] = []
    const rejected: SourceReject[] = [...(this.inner.rejected ?? [])]
    this.inner.rows().forEach((row, i) => {
      try {
        rows.push(this.decoding.decode(row))
        places.push(i)
      } catch (error) {
        const raw = this.decoding.rawOf?.(row)
        rejected.push({ key: keys[i]?.source ?? null, error: unreadable(error), ...(raw && { raw }) })
      }
    })
    this.#rows = rows
    return { places, rejected }
  }
}

function unreadable(error: unknown): DroverError {
  return DroverError.from(error, 'A record cannot be decoded', 'RECORD_UNREADABLE')
}
