import { DroverError } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { sqlState } from '../errors/postgres-error.js'
import { keyColumns, keyNames, type Relation } from './relation.js'
import { allOfSql } from './sql.js'
import { compareSql, type StoredKey, shownKey } from './stored-key.js'

/**
 * Refuses a key that cannot lead a read: of a type without an order, or null in a record, which no key comes behind. Looked at
 * before the first page.
 *
 * @throws `KEY_INVALID` with an example
 */
export async function refuseUnreadableKeys(connection: PostgresConnection, relation: Relation): Promise<void> {
  if (relation.doubts === 'none') return
  const { sql, where, reads, shown } = relation
  const columns = keyColumns(relation)
  const anyNull = columns.map((column) => `${column.sql} IS NULL`).join(' OR ')
  const fields = reads.slice(0, 8).map((column, i) => `left(${column.sql}::text, 31) AS v${i}`)
  const order = columns.map((column) => column.sql).join(', ')
  const found = await withOrder(relation, () =>
    connection.query<Record<string, string | null>>(
      `SELECT ${fields.join(', ')} FROM ${sql} AS d WHERE ${allOfSql([where, anyNull])} ORDER BY ${order} LIMIT 1`,
      [],
      { doing: `looking for keys that are null in ${shown}` },
    ),
  )
  const [row] = found.rows
  if (row === undefined) return
  const example = fields.map((_, i) => `${reads[i]?.name}: ${shownValue(row[`v${i}`] ?? null)}`).join(', ')
  throw new DroverError(
    'KEY_INVALID',
    `${shown}: the key (${keyNames(relation)}) is null in a record (${example}). ` +
      'Give those records a key, leave them out by the option where, or name another key.',
  )
}

/**
 * Of records with the same key those behind the place where a read goes on would be lost.
 *
 * @throws `KEY_INVALID`
 */
export async function refuseDuplicatesOf(
  connection: PostgresConnection,
  relation: Relation,
  key: StoredKey,
): Promise<void> {
  if (relation.doubts !== 'nulls and duplicates') return
  const where = allOfSql([relation.where, compareSql(relation, '=', key)])
  const { rows } = await connection.query<{ count: number }>(
    `SELECT count(*) AS count FROM ${relation.sql} AS d WHERE ${where}`,
    [],
    { doing: `looking for keys that are not unique in ${relation.shown}` },
  )
  if (Number(rows[0]?.count) > 1) throw duplicateKey(relation, key)
}

export function duplicateKey(relation: Relation, key: StoredKey): DroverError {
  return new DroverError(
    'KEY_INVALID',
    `${relation.shown}: several records have the same key (${keyNames(relation)}) = (${shownKey(key)}). ` +
      'Name the columns that together identify a record in the option key.',
  )
}

/**
 * The condition that a row has the key of the one before it, to be read as a column of its own: only PostgreSQL can say what
 * is the same in a collation.
 */
export function isRepeatedSql(relation: Relation): string {
  const columns = keyColumns(relation).map(({ sql }) => sql)
  const before = columns.map((sql) => `lag(${sql}) OVER w`)
  return `((${columns.join(', ')}) = (${before.join(', ')})) IS TRUE`
}

async function withOrder<T>(relation: Relation, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { cause } = error as { readonly cause?: unknown }
    if (sqlState(cause) !== '42883') throw error
    const said = (cause as Error).message
    throw new DroverError(
      'KEY_INVALID',
      `${relation.shown}: the key (${keyNames(relation)}) has no order: ${said}. Name another key, or give it one by a cast in a query.`,
      { cause },
    )
  }
}

function shownValue(value: string | null): string {
  if (value === null) return 'null'
  return JSON.stringify(value.length > 30 ? `${value.slice(0, 29)}…` : value)
}
