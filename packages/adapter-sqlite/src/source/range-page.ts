import { type Cursor, DroverError, type Page, type RecordKey, type Row } from '@drover/core'
import type { PageExtent } from './range-reader.js'
import type { SqliteRange } from './sqlite-range.js'

/** A page of which nobody has read more than where it ends. */
export class SqliteRangePage implements Page<Row> {
  readonly count: number
  readonly bytes: number
  readonly cursor: Cursor

  /** @param range Null if it cannot be found from another connection. */
  constructor(
    extent: PageExtent,
    readonly range: SqliteRange | null,
    readonly shown: string,
  ) {
    this.count = extent.count
    this.bytes = extent.bytes
    this.cursor = extent.cursor
  }

  rows(): readonly Row[] {
    throw pageStale(this.shown)
  }

  keys(): readonly RecordKey[] {
    throw pageStale(this.shown)
  }

  slice(): Page<Row> {
    throw pageStale(this.shown)
  }
}

/** Asks the engine for the batch as rows. */
export function pageStale(shown: string): DroverError {
  return new DroverError('PAGE_STALE', `Of a page of ${shown} only the range of its keys is known: it has to be read.`)
}
