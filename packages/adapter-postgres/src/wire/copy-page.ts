import {
  type Columns,
  type Cursor,
  DroverError,
  type Page,
  type Pouring,
  type RecordKey,
  type Row,
  type SourceReject,
} from '@drover/core'
import type { Codec } from './codec.js'
import { readInt32 } from './codecs/integer-codecs.js'
import type { CopyRows } from './copy-format.js'
import { type CopyLayout, fieldAt } from './copy-layout.js'
import type { ExtraColumn } from './pourer.js'
import { rowRefused } from './row-refused.js'
import { WiderPage } from './wider-page.js'
import { WireBuffer } from './wire-buffer.js'
import type { WireColumn } from './wire-type.js'

/**
 * Rows as they came from COPY binary, decoded when someone asks. A sink of Postgres with the same columns sends the
 * bytes of `payload()` on.
 */
export class CopyPage implements Page<Row> {
  readonly columns: Columns<Row> = {
    get: (field) => this.#get(field),
    with: (field, values) => this.#with(field, values),
  }
  #readable: CopyRows | undefined
  #rejected: readonly SourceReject[] | undefined
  #rows: readonly Row[] | undefined
  #keys: readonly RecordKey[] | undefined
  readonly count: number
  readonly bytes: number
  /** It has rows that other pages would reject. */
  #isAsItCame = false
  /** Null once it was told that nobody needs them any more. */
  #held: CopyRows | null

  constructor(
    readonly layout: CopyLayout,
    rows: CopyRows,
    readonly cursor: Cursor,
  ) {
    this.#held = rows
    this.count = rows.starts.length
    this.bytes = sizeOf(rows)
  }

  /** Records that cannot be decoded as they are: a JSON number that a double would change. */
  get rejected(): readonly SourceReject[] {
    if (this.#rejected === undefined) this.#sort()
    return this.#rejected as readonly SourceReject[]
  }

  rows(): readonly Row[] {
    if (this.#rows === undefined) {
      const { bytes, starts } = this.#good
      const { decode } = this.layout
      const rows: Row[] = new Array(starts.length)
      for (let i = 0; i < starts.length; i++) {
        const start = starts[i] as number
        rows[i] = this.#isAsItCame ? this.layout.decodeExactly(bytes, start) : decode(bytes, start)
      }
      this.#rows = rows
    }
    return this.#rows
  }

  keys(): readonly RecordKey[] {
    this.#keys ??= this.#map((bytes, row) => this.layout.keyAt(bytes, row))
    return this.#keys
  }

  slice(from: number, to: number): CopyPage {
    const good = this.#good
    const start = Math.min(Math.max(from, 0), good.starts.length)
    const end = Math.min(Math.max(to, start), good.starts.length)
    const part = { ...good, starts: good.starts.subarray(start, end), end: good.starts[end] ?? good.end }
    const page = new CopyPage(this.layout, part, this.cursor)
    page.#readable = part
    page.#rejected = []
    page.#isAsItCame = this.#isAsItCame
    return page
  }

  asItCame(): CopyPage {
    const all = this.#all
    const page = new CopyPage(this.layout, all, this.cursor)
    page.#readable = all
    page.#rejected = []
    page.#isAsItCame = true
    return page
  }

  /** `extras` are fields that stand beside the rows. */
  pour({ fields, into, records }: Pouring, extras: readonly ExtraColumn[] = []): void {
    this.layout.pourerOf(fields)(this.#good, { into, records, extras })
  }

  /** While it is not read again its bytes stay: they are decoded again for whoever asks. */
  release(isReread = false): void {
    this.#rows = undefined
    this.#keys = undefined
    if (!isReread) return
    this.#rejected = this.rejected
    this.#readable = undefined
    this.#held = null
  }

  /** The readable rows as they go into an open COPY binary, behind its header or other rows. Not to be written to. */
  payload(): Uint8Array {
    const { bytes, starts, end } = this.#good
    return bytes.subarray(starts[0] ?? end, end)
  }

  get #good(): CopyRows {
    if (this.#readable === undefined) this.#sort()
    return this.#readable as CopyRows
  }

  get #all(): CopyRows {
    if (this.#held !== null) return this.#held
    throw new DroverError('PAGE_STALE', `${this.layout.where}: rows of a page were forgotten once the sink had them.`)
  }

  /** Tells the rows that can be decoded from the others, which are looked for only in columns that may have them. */
  #sort(): void {
    const { layout } = this
    const all = this.#all
    const rejected: SourceReject[] = []
    const good: number[] = []
    if (layout.doubtful.length > 0) {
      for (let i = 0; i < all.starts.length; i++) {
        const found = layout.problemAt(all.bytes, all.starts[i] as number)
        if (found === undefined) good.push(i)
        else rejected.push(this.#reject(i, found.column, found.problem))
      }
    }
    this.#rejected = rejected
    this.#readable = rejected.length === 0 ? all : compact(all, good)
  }

  #reject(place: number, { name }: WireColumn, problem: string): SourceReject {
    const { bytes, starts, end } = this.#all
    const start = starts[place] as number
    const { source } = this.layout.keyAt(bytes, start)
    const shownKey = source.map((value) => JSON.stringify(value)).join(', ')
    const error = new DroverError(
      'RECORD_UNREADABLE',
      `${this.layout.where}: column "${name}" of the record with the key (${shownKey}) ${problem}.`,
    )
    return { key: source, error, raw: new Uint8Array(bytes.subarray(start, starts[place + 1] ?? end)) }
  }

  #map<T>(of: (bytes: Buffer, row: number) => T): T[] {
    const { bytes, starts } = this.#good
    const all: T[] = new Array(starts.length)
    for (let i = 0; i < starts.length; i++) all[i] = of(bytes, starts[i] as number)
    return all
  }

  #get(field: string): readonly unknown[] {
    const place = this.layout.placeOf(field)
    return this.#map((bytes, row) => this.layout.valueAt(bytes, fieldAt(bytes, row, place), place))
  }

  #with(field: string, values: ArrayLike<unknown>): Page<Row> {
    const good = this.#good
    if (values.length !== good.starts.length) {
      throw new DroverError(
        'CONTRACT_BROKEN',
        `${this.layout.where}: ${values.length} values of "${field}" for ${good.starts.length} records.`,
      )
    }
    const place = this.layout.find(field)
    if (place < 0) return new WiderPage(this, new Map([[field, values]]))
    const part = patched(this.layout, good, place, values)
    const page = new CopyPage(this.layout, part, this.cursor)
    page.#readable = part
    page.#rejected = []
    return page
  }
}

function sizeOf({ starts, end }: CopyRows): number {
  return end - (starts[0] ?? end)
}

/** Only those rows, one behind the other. */
function compact({ bytes, starts, end }: CopyRows, places: readonly number[]): CopyRows {
  const out = new WireBuffer(end - (starts[0] ?? end))
  const kept = Uint32Array.from(places, (place) => {
    const at = out.at
    out.part(bytes, starts[place] as number, starts[place + 1] ?? end)
    return at
  })
  return { bytes: out.bytes, starts: kept, end: out.at }
}

/** The same rows with other values in one column; what is between these is copied in one piece. */
function patched(layout: CopyLayout, rows: CopyRows, place: number, values: ArrayLike<unknown>): CopyRows {
  const { bytes, starts, end } = rows
  const column = layout.columns[place] as WireColumn
  const codec = layout.codecs[place] as Codec
  const out = new WireBuffer(sizeOf(rows) + 1024)
  const newStarts = new Uint32Array(starts.length)
  let copied = starts[0] ?? end
  for (let i = 0; i < starts.length; i++) {
    const row = starts[i] as number
    const field = fieldAt(bytes, row, place)
    newStarts[i] = out.at + row - copied
    out.part(bytes, copied, field)
    copied = field + 4 + Math.max(0, readInt32(bytes, field))
    const value = values[i]
    out.reserve(4)
    const slot = out.at
    out.int32(-1)
    if (value === null || value === undefined) continue
    try {
      codec.encode(value, out)
    } catch (error) {
      throw rowRefused(error, column, layout.where)
    }
    out.setInt32(slot, out.at - slot - 4)
  }
  out.part(bytes, copied, end)
  return { bytes: out.bytes, starts: newStarts, end: out.at }
}
