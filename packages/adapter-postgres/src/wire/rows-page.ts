import type { Cursor, Page, RecordKey, Row, SourceReject } from '@drover/core'

/** Records that are no rows of COPY any more, as with a field that the table does not have. */
export class RowsPage implements Page<Row> {
  readonly count: number

  constructor(
    private readonly records: readonly Row[],
    private readonly recordKeys: readonly RecordKey[],
    readonly bytes: number,
    readonly cursor: Cursor,
    readonly rejected: readonly SourceReject[] = [],
  ) {
    this.count = records.length + rejected.length
  }

  rows(): readonly Row[] {
    return this.records
  }

  keys(): readonly RecordKey[] {
    return this.recordKeys
  }

  slice(from: number, to: number): RowsPage {
    const records = this.records.slice(from, to)
    const bytes = this.records.length === 0 ? 0 : Math.ceil((this.bytes * records.length) / this.records.length)
    return new RowsPage(records, this.recordKeys.slice(from, to), bytes, this.cursor)
  }
}
