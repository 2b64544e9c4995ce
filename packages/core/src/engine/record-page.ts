import type { Page, RecordKey } from '../contracts/page.js'
import type { RejectStage } from '../contracts/report.js'
import type { Cursor, Row } from '../contracts/values.js'

/** A source record that a step refused. */
export interface StepReject {
  /** Place of the record among the source page's rows. */
  readonly record: number
  readonly stage: RejectStage
  readonly error: unknown
}

/** What the steps made of a source page: its rows, each knowing its source record, so that a family stays together. */
export class RecordPage implements Page<Row> {
  readonly cursor: Cursor
  readonly count: number
  #keys: readonly RecordKey[] | undefined

  /** `owners[i]` is the source record of row i, ascending; null if row i comes from record i. */
  constructor(
    readonly origin: Page<Row>,
    private readonly made: readonly Row[],
    readonly owners: ArrayLike<number> | null,
    readonly rejects: readonly StepReject[],
    readonly bytes: number,
  ) {
    this.cursor = origin.cursor
    this.count = origin.count
  }

  rows(): readonly Row[] {
    return this.made
  }

  keys(): readonly RecordKey[] {
    this.#keys ??= this.#makeKeys()
    return this.#keys
  }

  /** The source record of a row. */
  ownerOf(row: number): number {
    return this.owners === null ? row : (this.owners[row] as number)
  }

  /** Only the rows whose source record `keep` names. */
  only(keep: (record: number) => boolean): RecordPage {
    const rows: Row[] = []
    const owners: number[] = []
    for (let i = 0; i < this.made.length; i++) {
      const owner = this.ownerOf(i)
      if (!keep(owner)) continue
      rows.push(this.made[i] as Row)
      owners.push(owner)
    }
    return new RecordPage(this.origin, rows, owners, this.rejects, this.bytes)
  }

  slice(from: number, to: number): RecordPage {
    return this.only((record) => record >= from && record < to)
  }

  #makeKeys(): readonly RecordKey[] {
    const sources = this.origin.keys()
    if (this.owners === null) return sources
    const keys: RecordKey[] = []
    let child = 0
    for (let i = 0; i < this.made.length; i++) {
      const owner = this.ownerOf(i)
      child = i > 0 && owner === this.ownerOf(i - 1) ? child + 1 : 0
      keys.push({ source: (sources[owner] as RecordKey).source, child })
    }
    return keys
  }
}
