import { DroverError, suggestNames } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { logicalType, wireTypeOf } from './column-type.js'
import { type PostgresType, readTypes } from './read-types.js'
import { type Column, quoteTable, type Table, type TableRight, type UniqueIndex } from './table.js'

const kinds = {
  r: 'table',
  p: 'partitioned table',
  f: 'foreign table',
  v: 'view',
  m: 'materialized view',
} as const

/**
 * Reads how a table or view is declared; null if there is none of that name.
 *
 * @param name As it is called, not as SQL quotes it: one of `search_path`, else with its schema in front (`chat.messages`).
 */
export async function readTable(connection: PostgresConnection, name: string): Promise<Table | null> {
  const { rows } = await connection.query<RelationRow>(relationSql, [name, ...splitName(name)])
  const [found] = rows
  if (found === undefined) return null
  const { oid, schema, kind, rights } = found
  const columns = await readColumns(connection, oid)
  const uniqueIndexes = await readUniqueIndexes(connection, oid)
  const neverNull = (column: string | null): boolean =>
    columns.some((other) => other.name === column && !other.isNullable)
  const nameAt = (place: number): string | null => columns.find((column) => column.place === place)?.name ?? null
  return {
    schema,
    name: found.name,
    kind: kinds[kind],
    sql: quoteTable(schema, found.name),
    oid,
    columns: columns.map(({ place: _, ...column }) => column),
    primaryKey: (uniqueIndexes.find(({ isPrimary }) => isPrimary)?.columns ?? []) as readonly string[],
    uniqueKeys: uniqueIndexes
      .filter(({ isPartial }) => !isPartial)
      .map((index) => index.columns)
      .filter((names): names is string[] => names.every(neverNull)),
    uniqueIndexes,
    partitionedBy: found.partitionedBy.map(nameAt),
    estimatedRows: found.estimatedRows < 0 ? null : found.estimatedRows,
    rights,
  }
}

/**
 * The table or view of that name.
 *
 * @throws `SOURCE_NOT_FOUND` with the nearest names.
 */
export async function requireTable(connection: PostgresConnection, name: string): Promise<Table> {
  const table = await readTable(connection, name)
  if (table) return table
  throw new DroverError(
    'SOURCE_NOT_FOUND',
    `${connection.name}: there is no table or view "${name}"${suggestNames(name, await tableNames(connection))}`,
  )
}

/** All tables and views but the server's own; with their schema, where `search_path` does not find them. */
export async function tableNames(connection: PostgresConnection): Promise<string[]> {
  const { rows } = await connection.query<{ name: string }>(`
    SELECT CASE WHEN pg_catalog.pg_table_is_visible(c.oid) THEN c.relname ELSE n.nspname || '.' || c.relname END AS name
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
    ORDER BY name`)
  return rows.map(({ name }) => name)
}

/**
 * Refuses a table with which this user may not do that.
 *
 * @throws `STORE_DENIED` with the GRANT that is missing.
 */
export async function requireRights(
  connection: PostgresConnection,
  table: Table,
  needed: readonly TableRight[],
): Promise<void> {
  const missing = needed.filter((right) => table.kind !== 'query' && !table.rights.includes(right))
  if (missing.length === 0) return
  const { rows } = await connection.query<{ user: string; usage: boolean }>(
    'SELECT current_user AS user, pg_catalog.has_schema_privilege($1, $2) AS usage',
    [table.schema, 'USAGE'],
  )
  const [{ user, usage } = { user: '', usage: true }] = rows
  const grants = [`GRANT ${missing.join(', ')} ON ${table.sql} TO "${user}"`]
  if (!usage) grants.unshift(`GRANT USAGE ON SCHEMA "${table.schema}" TO "${user}"`)
  throw new DroverError(
    'STORE_DENIED',
    `${connection.name}: the user "${user}" may not ${missing.join(', ')} on ${table.sql}. An administrator allows it with: ${grants.join('; ')}`,
  )
}

/** `chat.messages` as schema and name; the schema is null without a dot. */
export function splitName(name: string): readonly [schema: string | null, name: string] {
  const dot = name.indexOf('.')
  return dot < 1 ? [null, name] : [name.slice(0, dot), name.slice(dot + 1)]
}

interface RelationRow {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly kind: keyof typeof kinds
  readonly estimatedRows: number
  readonly partitionedBy: readonly number[]
  readonly rights: readonly TableRight[]
}

const relationSql = `
SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind AS kind, c.reltuples AS "estimatedRows",
  coalesce((SELECT to_json(p.partattrs::int2[]) FROM pg_catalog.pg_partitioned_table AS p WHERE p.partrelid = c.oid), '[]') AS "partitionedBy",
  (SELECT coalesce(json_agg(r), '[]') FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS r
    WHERE pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND CASE r
      WHEN 'DELETE' THEN pg_catalog.has_table_privilege(c.oid, r)
      ELSE pg_catalog.has_any_column_privilege(c.oid, r) END) AS rights
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm')
  AND (c.relname = $1 AND pg_catalog.pg_table_is_visible(c.oid) OR n.nspname = $2 AND c.relname = $3)
ORDER BY c.relname = $1 AND pg_catalog.pg_table_is_visible(c.oid) DESC
LIMIT 1`

interface ColumnRow {
  readonly name: string
  readonly place: number
  readonly type: number
  readonly modifier: number
  readonly native: string
  readonly isNotNull: boolean
  readonly isGenerated: boolean
  readonly identity: '' | 'a' | 'd'
  readonly hasDefault: boolean
  readonly sequence: string | null
  readonly collation: string | null
  readonly isByteOrder: boolean
  readonly isDeterministic: boolean
}

// to_jsonb(d) holds columns of the catalogue that older versions do not have.
const columnsSql = `
SELECT a.attname AS name, a.attnum AS place, a.atttypid AS type, a.atttypmod AS modifier,
  pg_catalog.format_type(a.atttypid, a.atttypmod) AS native, a.attnotnull AS "isNotNull",
  a.attgenerated <> '' AS "isGenerated", a.attidentity AS identity, a.atthasdef AND a.attgenerated = '' AS "hasDefault",
  CASE WHEN c.relkind IN ('r', 'p') AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') THEN
    pg_catalog.pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname) END AS sequence,
  CASE WHEN o.oid IS NOT NULL THEN format('%I.%I', m.nspname, o.collname) END AS collation,
  coalesce(o.collisdeterministic, true) AS "isDeterministic",
  coalesce(CASE o.collprovider
    WHEN 'd' THEN CASE coalesce(to_jsonb(d) ->> 'datlocprovider', 'c')
      WHEN 'c' THEN d.datcollate IN ('C', 'POSIX')
      ELSE to_jsonb(d) ->> 'datlocprovider' = 'b' AND to_jsonb(d) ->> 'datlocale' IN ('C', 'C.UTF-8') END
    WHEN 'b' THEN o.collname IN ('ucs_basic', 'pg_c_utf8')
    WHEN 'c' THEN o.collcollate IN ('C', 'POSIX')
  END, false) AS "isByteOrder"
FROM pg_catalog.pg_attribute AS a
  JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_database AS d ON d.datname = current_database()
  LEFT JOIN pg_catalog.pg_collation AS o ON o.oid = a.attcollation
  LEFT JOIN pg_catalog.pg_namespace AS m ON m.oid = o.collnamespace
WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum`

async function readColumns(
  connection: PostgresConnection,
  table: number,
): Promise<readonly (Column & { readonly place: number })[]> {
  const { rows } = await connection.query<ColumnRow>(columnsSql, [table])
  const types = await readTypes(
    connection,
    rows.map(({ type }) => type),
  )
  return rows.map((row) => {
    const type = types.get(row.type) as PostgresType
    return {
      name: row.name,
      place: row.place,
      type: logicalType(type, row.modifier),
      native: row.native,
      wire: wireTypeOf(type, row.modifier, row.native),
      isNullable: !row.isNotNull && !type.isNotNull,
      isGenerated: row.isGenerated,
      identity: row.identity === '' ? null : row.identity === 'a' ? 'always' : 'by default',
      hasDefault: row.hasDefault,
      sequence: row.sequence,
      collation:
        row.collation === null
          ? null
          : { sql: row.collation, isByteOrder: row.isByteOrder, isDeterministic: row.isDeterministic },
    }
  })
}

/** Indexes that a CREATE INDEX CONCURRENTLY left behind half built are not valid, and hold nothing together. */
async function readUniqueIndexes(connection: PostgresConnection, table: number): Promise<readonly UniqueIndex[]> {
  const { rows } = await connection.query<UniqueIndex>(
    `SELECT c.relname AS name, i.indisprimary AS "isPrimary", i.indpred IS NOT NULL AS "isPartial", NOT i.indimmediate AS "isDeferrable",
       coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false) AS "isNullsNotDistinct",
       (SELECT json_agg(a.attname ORDER BY k.place) FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
         LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum > 0
         WHERE k.place <= i.indnkeyatts) AS columns
     FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
     WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indislive
     ORDER BY i.indisprimary DESC, c.oid`,
    [table],
  )
  return rows
}
