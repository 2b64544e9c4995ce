import type { Cursor, JsonValue, Page, Row } from '@drover/core'
import { canonical } from './canonical.js'

/** A page made by hand, to give to a sink. */
export function samplePage(rows: readonly Row[], keyFields: readonly string[], cursor: Cursor): Page {
  return {
    count: rows.length,
    bytes: rows.reduce((bytes, row) => bytes + canonical(row).length, 0),
    cursor,
    rows: () => rows,
    keys: () => rows.map((row) => ({ source: keyFields.map((name) => keyValue(row[name])), child: 0 })),
    slice: (from, to) => samplePage(rows.slice(from, to), keyFields, cursor),
  }
}

/** A value of a key as pages and cursors carry it: as JSON. */
export function keyValue(value: unknown): JsonValue {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  return (value ?? null) as JsonValue
}

/** The rows in pages of `size`, each with the number of rows up to its end as the cursor. */
export function pagesOf(rows: readonly Row[], keyFields: readonly string[], size: number, before = 0): Page[] {
  const pages: Page[] = []
  for (let at = 0; at < rows.length; at += size) {
    const part = rows.slice(at, at + size)
    pages.push(samplePage(part, keyFields, { row: before + at + part.length }))
  }
  return pages
}
