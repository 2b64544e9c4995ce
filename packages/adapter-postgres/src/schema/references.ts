import type { PostgresConnection } from '../connection/postgres-connection.js'
import { quoteTable, type Table } from './table.js'

/** A foreign key by which rows of some table refer to another one. */
export interface Reference {
  readonly table: string
  readonly columns: readonly string[]
  /** Of the table that is referred to, in the same order. */
  readonly refersTo: readonly string[]
  /** From the table to itself. */
  readonly isOwn: boolean
  /** PostgreSQL deletes or changes such rows together with what they refer to, and does not refuse that. */
  readonly follows: boolean
}

interface ReferenceRow {
  readonly schema: string
  readonly name: string
  readonly columns: readonly string[]
  readonly refersTo: readonly string[]
  readonly isOwn: boolean
  readonly follows: boolean
}

// Each partition of either table has a constraint of its own below the one that counts.
const referencesSql = `
SELECT n.nspname AS schema, r.relname AS name, c.conrelid = c.confrelid AS "isOwn",
  c.confdeltype IN ('c', 'n', 'd') AS follows,
  (SELECT json_agg(a.attname ORDER BY k.place) FROM unnest(c.conkey) WITH ORDINALITY AS k(attnum, place)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.attnum) AS columns,
  (SELECT json_agg(a.attname ORDER BY k.place) FROM unnest(c.confkey) WITH ORDINALITY AS k(attnum, place)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.confrelid AND a.attnum = k.attnum) AS "refersTo"
FROM pg_catalog.pg_constraint AS c
  JOIN pg_catalog.pg_class AS r ON r.oid = c.conrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = r.relnamespace
WHERE c.contype = 'f' AND c.confrelid = $1
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS p WHERE p.oid = c.conparentid AND p.confrelid = c.confrelid)
ORDER BY c.oid`

/** All foreign keys to the table, whatever they say is to become of rows when what they refer to is deleted. */
export async function referencesTo(connection: PostgresConnection, { oid }: Table): Promise<readonly Reference[]> {
  const { rows } = await connection.query<ReferenceRow>(referencesSql, [oid])
  return rows.map(({ schema, name, ...reference }) => ({ table: quoteTable(schema, name), ...reference }))
}
