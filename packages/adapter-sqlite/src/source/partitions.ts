import type { JsonValue, Partition } from '@drover/core'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { type KeyRange, keyColumns, rangeOf, rangeSql } from './key-range.js'
import { type KeyValue, storedKey } from './key-value.js'
import type { Relation } from './relation.js'
import { allOfSql, type Sql } from './sql.js'

/** Ranges of keys with about as many records each. The first and the last are open, so that later records belong to one. */
export async function keyPartitions(
  connection: SqliteConnection,
  relation: Relation,
  count: number,
  filter: Sql | null,
): Promise<readonly Partition[]> {
  const borders = await quantiles(connection, relation, { after: null, upto: null }, count, filter)
  if (borders.length === 0) return [{ id: 'all', bounds: null }]
  return ranges({ after: null, upto: null }, borders).map((bounds, i) => ({ id: String(i + 1), bounds }))
}

/** What is left of a partition behind `after`, in two halves; in one part if that is no more than a record. */
export async function splitPartition(
  connection: SqliteConnection,
  relation: Relation,
  partition: Partition,
  after: JsonValue | null,
): Promise<readonly Partition[]> {
  const whole = rangeOf(partition)
  const left = { after: after ?? whole.after, upto: whole.upto }
  const borders = await quantiles(connection, relation, left, 2, null)
  return ranges(left, borders).map((bounds, i) => ({ id: `${partition.id}.${i + 1}`, bounds }))
}

/** The keys that cut a range into `count` parts of the same number of records: one pass over the key's index. */
async function quantiles(
  connection: SqliteConnection,
  relation: Relation,
  range: KeyRange,
  count: number,
  filter: Sql | null,
): Promise<readonly JsonValue[]> {
  if (count < 2) return []
  const where = allOfSql([relation.where, filter, rangeSql(relation, range)])
  const [total] =
    (await connection.get(`SELECT count(*) AS n FROM ${relation.sql} WHERE ${where.sql}`, where.values)) ?? []
  const places = new Set(Array.from({ length: count - 1 }, (_, i) => Math.floor(((i + 1) * Number(total)) / count)))
  places.delete(0)
  if (places.size === 0) return []
  const key = keyColumns(relation).join(', ')
  const rows = await connection.all(
    `SELECT * FROM (SELECT ${key}, row_number() OVER (ORDER BY ${key}) AS "drover place" FROM ${relation.sql} WHERE ${where.sql})
     WHERE "drover place" IN (${[...places].join(', ')}) ORDER BY "drover place"`,
    where.values,
    { integers: 'bigint' },
  )
  return rows.map((row) => storedKey(row.slice(0, -1) as KeyValue[]))
}

function ranges(
  whole: KeyRange,
  borders: readonly JsonValue[],
): { readonly after: JsonValue; readonly upto: JsonValue }[] {
  return [...borders, whole.upto].map((upto, i) => ({ after: i === 0 ? whole.after : (borders[i - 1] ?? null), upto }))
}
