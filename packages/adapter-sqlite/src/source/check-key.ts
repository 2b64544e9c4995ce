import { DroverError, type JsonValue } from '@drover/core'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { keyColumns, rangeSql } from './key-range.js'
import { type KeyValue, shownKey } from './key-value.js'
import type { Relation } from './relation.js'
import { allOfSql, type Sql } from './sql.js'

/**
 * Records whose key is null stand before every key, so a read by key would never come to them. Looked for before the
 * first page.
 *
 * @throws `KEY_INVALID` with an example.
 */
export async function refuseNullKeys(connection: SqliteConnection, relation: Relation): Promise<void> {
  if (relation.doubts === 'none') return
  const columns = keyColumns(relation)
  const anyNull = { sql: columns.map((column) => `${column} IS NULL`).join(' OR '), values: [] }
  const where = allOfSql([relation.where, anyNull])
  const fields = relation.reads.map(({ sql }) => sql).slice(0, 8)
  const row = await connection.get(
    `SELECT ${fields.join(', ')} FROM ${relation.sql} WHERE ${where.sql} LIMIT 1`,
    where.values,
  )
  if (!row) return
  const example = row.map((value, i) => `${relation.reads[i]?.name}: ${shownValue(value)}`).join(', ')
  throw new DroverError(
    'KEY_INVALID',
    `${relation.shown}: the key (${keyNames(relation)}) is null in a record (${example}). ` +
      'Give those records a key, leave them out by the option where, or name another key.',
  )
}

/**
 * Of records with the same key those behind a page's end would be lost. Looked for in each page's own range, in SQLite,
 * because what is the same depends on the collation.
 *
 * @throws `KEY_INVALID` with an example.
 */
export async function refuseDuplicates(
  connection: SqliteConnection,
  relation: Relation,
  page: { readonly after: JsonValue | null; readonly upto: JsonValue; readonly filter: Sql | null },
): Promise<void> {
  if (relation.doubts !== 'nulls and duplicates') return
  const columns = keyColumns(relation)
  const where = allOfSql([relation.where, page.filter, rangeSql(relation, page)])
  const row = await connection.get(
    `SELECT ${columns.join(', ')}, count(*) AS "how many" FROM ${relation.sql} WHERE ${where.sql}
     GROUP BY ${columns.join(', ')} HAVING count(*) > 1 LIMIT 1`,
    where.values,
  )
  if (!row) return
  const key = row.slice(0, -1) as KeyValue[]
  throw new DroverError(
    'KEY_INVALID',
    `${relation.shown}: ${String(row.at(-1))} records have the same key (${keyNames(relation)}) = (${shownKey(key)}). ` +
      'Name the columns that together identify a record in the option key.',
  )
}

function keyNames(relation: Relation): string {
  return relation.key.map((place) => relation.reads[place]?.name).join(', ')
}

function shownValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 30 ? `${value.slice(0, 29)}…` : value)
  return value instanceof Uint8Array ? `${value.byteLength} bytes` : String(value)
}
