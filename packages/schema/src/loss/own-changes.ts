import type { Read } from '../catalog/read-catalog.js'
import { quoteTable, quoteText } from '../sql/quote.js'

/** What the transaction that asks has done to a table of PostgreSQL itself. */
export interface OwnChange {
  /** Where its rows lie: another place when it was emptied or written anew. */
  readonly file: string
  /** Rows inserted less rows deleted, cascades and triggers included. */
  readonly net: number
}

/**
 * What this transaction has done to the tables. Others go on meanwhile, and what they commit is seen by the next statement: counting rows twice would
 * take their work for the revision's. Empty where the server does not count.
 */
export async function ownChanges(read: Read, tables: readonly string[]): Promise<Map<string, OwnChange>> {
  if (tables.length === 0) return new Map()
  const list = tables.map((table, place) => `(${place}, ${quoteText(quoteTable(table, 'postgres'), 'postgres')})`)
  const rows = await read(`SELECT t.place, pg_catalog.pg_relation_filenode(c.oid)::text AS file,
  pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) - pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid) AS net
FROM (VALUES ${list.join(', ')}) AS t(place, name) JOIN pg_catalog.pg_class AS c ON c.oid = pg_catalog.to_regclass(t.name)
WHERE pg_catalog.current_setting('track_counts') = 'on' AND c.relkind = 'r'`)
  return new Map(
    rows.map(({ place, file, net }) => [tables[Number(place)] ?? '', { file: String(file), net: Number(net) }]),
  )
}
