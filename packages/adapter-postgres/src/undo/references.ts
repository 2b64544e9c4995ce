import type { PostgresConnection } from '../connection/postgres-connection.js'
import { quoteName } from '../connection/quote-name.js'
import { quoteTable, type Table } from '../schema/table.js'
import { type ImageShape, keySql } from './image-shape.js'

/** A foreign key by which rows of some table refer to the one that is undone. */
export interface Reference {
  readonly table: string
  readonly columns: readonly string[]
  readonly refersTo: readonly string[]
  /** From the table to itself. */
  readonly isOwn: boolean
}

interface ReferenceRow {
  readonly schema: string
  readonly name: string
  readonly columns: readonly string[]
  readonly refersTo: readonly string[]
  readonly isOwn: boolean
}

// Each partition of either table has a constraint of its own below the one that counts.
const referencesSql = `
SELECT n.nspname AS schema, r.relname AS name, c.conrelid = c.confrelid AS "isOwn",
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

/** The table from which some row refers to a row, as SQL; null if none does. Rows of the table itself that leave with it do not count. */
export function referrerSql(references: readonly Reference[], shape: ImageShape): string {
  const found = references.map(({ table, columns, refersTo, isOwn }) => {
    const equal = columns.map(
      (column, i) => `drover_f.${quoteName(column)} = ${quoteName(shape.name)}.${quoteName(refersTo[i] as string)}`,
    )
    const others = isOwn
      ? [`NOT EXISTS (SELECT FROM drover_u AS v WHERE v.key = ${keySql({ ...shape, name: 'drover_f' })})`]
      : []
    const exists = `EXISTS (SELECT FROM ${table} AS drover_f WHERE ${[...equal, ...others].join(' AND ')})`
    return `WHEN ${exists} THEN '${table.replaceAll("'", "''")}'`
  })
  return found.length === 0 ? 'NULL::text' : `CASE ${found.join(' ')} END`
}
