import type { Page, RecordKey } from '../contracts/page.js'
import type { RejectStage } from '../contracts/report.js'
import type { JsonValue, Row } from '../contracts/values.js'
import { ChosenPage } from './chosen-page.js'
import { RecordPage } from './record-page.js'

/** A record on its way to the dead letters. */
export interface Rejection {
  readonly key: readonly JsonValue[] | null
  /** Tells a record without a key from the others: the cursor of its page, and its place among the unreadable ones. */
  readonly place?: JsonValue
  readonly stage: RejectStage
  readonly error: unknown
  /** The source record; null if it could not be decoded. */
  readonly record: Row | null
  /** The row a sink refused. */
  readonly row?: Row
  readonly raw?: Uint8Array
}

/** Where a row came from. */
export interface Located {
  /** Its place in the page. */
  readonly record: number
  readonly row: Row
  /** Its record has no other rows. */
  readonly isAlone: boolean
}

/**
 * One page of an open batch: as the source gave it and as the steps left it, without the records a sink refused.
 * It is kept until the batch is durable, so that the batch can be given again.
 */
export class HeldPage {
  readonly #refused = new Map<number, { readonly error: unknown; readonly row: Row | undefined }>()
  readonly #rawCount: number
  /** What the steps made, without the refused records. */
  #left: RecordPage | undefined

  /** Without steps `made` is the source's page itself, undecoded; behind steps that go by column it is one like it. */
  constructor(
    readonly source: Page<Row>,
    private readonly made: Page<Row> | RecordPage,
  ) {
    this.#rawCount = source.count - (source.rejected?.length ?? 0)
  }

  get bytes(): number {
    const { made, source } = this
    return made === source || made instanceof RecordPage ? made.bytes : source.bytes + made.bytes
  }

  /** Rows the sink gets. */
  get rowCount(): number {
    if (!(this.made instanceof RecordPage)) return this.#rawCount - this.#refused.size
    return this.#refused.size === 0 ? this.made.rows().length : this.#current().rows().length
  }

  get rejectedCount(): number {
    return (
      (this.source.rejected?.length ?? 0) +
      (this.made instanceof RecordPage ? this.made.rejects.length : 0) +
      this.#refused.size
    )
  }

  get filteredCount(): number {
    if (!(this.made instanceof RecordPage) || this.made.owners === null) return 0
    return this.#rawCount - this.made.rejects.length - distinct(this.made.owners)
  }

  /**
   * The page to give to the sink. It stays one page whatever was refused: a sink that ends its batch after so many pages
   * must come to the same end when the batch is given again.
   */
  view(): Page<Row> {
    if (this.made instanceof RecordPage) return this.#current()
    if (this.#refused.size > 0) return this.#only(this.records())
    return this.#rawCount === this.made.count ? this.made : this.made.slice(0, this.#rawCount)
  }

  /** The same for some records alone, in probes. */
  viewOf(records: ReadonlySet<number>): Page<Row> {
    if (this.made instanceof RecordPage) return this.made.only((record) => records.has(record))
    return this.#only([...records])
  }

  /** Places of the source records that still have rows, ascending. */
  records(): readonly number[] {
    const all: number[] = []
    if (this.made instanceof RecordPage) {
      for (let i = 0; i < this.made.rows().length; i++) {
        const owner = this.made.ownerOf(i)
        if (all.at(-1) !== owner && !this.#refused.has(owner)) all.push(owner)
      }
    } else {
      for (let record = 0; record < this.#rawCount; record++) if (!this.#refused.has(record)) all.push(record)
    }
    return all
  }

  /** The source record of the `row`-th row that the sink got of this page, and that row. */
  locate(row: number): Located {
    if (this.made instanceof RecordPage) {
      const current = this.#current()
      const record = current.ownerOf(row)
      const isAlone = current.ownerOf(row - 1) !== record && current.ownerOf(row + 1) !== record
      return { record, row: current.rows()[row] as Row, isAlone }
    }
    const record = this.records()[row] as number
    return { record, row: recordAt(this.made, record), isAlone: true }
  }

  /** The sink has taken it in. What steps have made stays, because they are not to be run twice. */
  release(): void {
    if (this.made === this.source) this.source.release?.(true)
  }

  refuse(record: number, error: unknown, row?: Row): void {
    this.#refused.set(record, { error, row })
    this.#left = undefined
  }

  keyOf(record: number): readonly JsonValue[] {
    return (this.source.keys()[record] as RecordKey).source
  }

  /** All that was rejected of this page: by the source, by a step, by the sink. */
  rejections(): Rejection[] {
    const all: Rejection[] = (this.source.rejected ?? []).map((reject, i) => ({
      key: reject.key,
      ...(reject.key === null ? { place: [this.source.cursor, i] } : {}),
      stage: 'read',
      error: reject.error,
      record: null,
      ...(reject.raw === undefined ? {} : { raw: reject.raw }),
    }))
    if (this.made instanceof RecordPage) {
      for (const { record, stage, error } of this.made.rejects) {
        all.push({ key: this.keyOf(record), stage, error, record: recordAt(this.source, record) })
      }
    }
    for (const [record, { error, row }] of this.#refused) {
      const made = row === undefined ? {} : { row }
      all.push({ key: this.keyOf(record), stage: 'write', error, record: recordAt(this.source, record), ...made })
    }
    return all
  }

  #current(): RecordPage {
    const made = this.made as RecordPage
    if (this.#refused.size === 0) return made
    this.#left ??= made.only((record) => !this.#refused.has(record))
    return this.#left
  }

  /** Neighbours are cut out of the source's own page, which may never have to decode them. */
  #only(ascending: readonly number[]): Page<Row> {
    const [first = 0] = ascending
    const last = ascending.at(-1) ?? -1
    if (last - first + 1 === ascending.length) return this.made.slice(first, last + 1)
    const made: Page<Row> = this.made
    return made.choose?.(ascending) ?? new ChosenPage(this.made, ascending)
  }
}

/** Who pours need never have decoded the others. */
function recordAt(page: Page<Row>, place: number): Row {
  return (page.pour === undefined ? page.rows()[place] : page.slice(place, place + 1).rows()[0]) as Row
}

/** How many different numbers an ascending list holds. */
function distinct(ascending: ArrayLike<number>): number {
  let count = 0
  for (let i = 0; i < ascending.length; i++) if (i === 0 || ascending[i] !== ascending[i - 1]) count++
  return count
}
