import { type Cursor, DroverError, type JsonValue, type Page, type RecordKey, type Row } from '@drover/core'
import type { PageSettings } from './page-stream.js'
import { keyColumns } from './key-range.js'
import { type PageBounds, whereOf } from './page-query.js'
import type { PageExtent } from './range-reader.js'
import type { SqliteRange } from './sqlite-range.js'

/** A page of which nobody has read more than where it ends. */
export class SqliteRangePage implements Page<Row> {
  readonly count: number
  readonly bytes: number
  readonly cursor: Cursor

  constructor(
    extent: PageExtent,
    private readonly shown: string,
    readonly range: SqliteRange,
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
  return new DroverError('PAGE_STALE', `Of a page of ${shown} only its range of keys is known; its rows have to be read.`)
}

/** @param upto The page's own last key. */
export function rangeBetween(settings: PageSettings, path: string, bounds: PageBounds, upto: JsonValue): SqliteRange {
  const { relation } = settings
  const fields = relation.reads.slice(0, relation.fields)
  const where = whereOf(relation, { ...bounds, upto })
  return new Between(settings, bounds, upto, {
    path,
    relation: relation.sql,
    columns: fields.map(({ name }) => name),
    affinities: fields.map(({ affinity }) => affinity),
    where: where.sql,
    values: where.values,
    order: keyColumns(relation).join(', '),
  })
}
