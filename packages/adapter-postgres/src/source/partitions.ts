import type { Operation, Partition } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { type KeyRange, rangeSql } from './key-range.js'
import { asking, type ReadSettings } from './read-settings.js'
import { keyColumns, type Relation } from './relation.js'
import { allOfSql } from './sql.js'
import type { StoredKey } from './stored-key.js'

/** Of tables with more rows only some are looked at. */
const sampledFrom = 300_000
const wantedSample = 30_000
/** A smaller one says too little. */
const smallestSample = 1_000

/** Ranges of keys with about as many records each. The first and the last are open, so that later records belong to one. */
export async function keyPartitions(
  settings: ReadSettings,
  count: number,
  filter: string | null,
  operation: Operation,
): Promise<readonly Partition[]> {
  const whole: KeyRange = { after: null, upto: null }
  const borders = await asking(settings, operation, (connection) =>
    quantiles(connection, settings.relation, whole, count, filter),
  )
  if (borders.length === 0) return [{ id: 'all', bounds: null }]
  return ranges(whole, borders).map(({ after, upto }, i) => ({ id: String(i + 1), bounds: { after, upto } }))
}

/** A range in two halves; in one part if it has no more than a record. */
export async function splitRange(
  settings: ReadSettings,
  id: string,
  range: KeyRange,
  operation: Operation,
): Promise<readonly Partition[]> {
  const borders = await asking(settings, operation, (connection) =>
    quantiles(connection, settings.relation, range, 2, null),
  )
  return ranges(range, borders).map(({ after, upto }, i) => ({ id: `${id}.${i + 1}`, bounds: { after, upto } }))
}

/** The keys that cut a range into `count` parts of about the same number of records. */
async function quantiles(
  connection: PostgresConnection,
  relation: Relation,
  range: KeyRange,
  count: number,
  filter: string | null,
): Promise<readonly StoredKey[]> {
  if (count < 2) return []
  const where = allOfSql([relation.where, filter, rangeSql(relation, range)])
  const { sql, kind, estimatedRows } = relation
  const hasBlocks = kind === 'table' || kind === 'partitioned table' || kind === 'materialized view'
  if (hasBlocks && estimatedRows !== null && estimatedRows > sampledFrom) {
    const percent = (100 * wantedSample) / estimatedRows
    // The same blocks in both statements.
    const sample = `${sql} AS d TABLESAMPLE SYSTEM (${percent.toFixed(6)}) REPEATABLE (1)`
    const borders = await bordersOf(connection, relation, sample, where, count, smallestSample)
    if (borders !== undefined) return borders
  }
  return (await bordersOf(connection, relation, `${sql} AS d`, where, count, 0)) ?? []
}

/** Undefined if there are fewer rows than `least`. */
async function bordersOf(
  connection: PostgresConnection,
  relation: Relation,
  from: string,
  where: string,
  count: number,
  least: number,
): Promise<readonly StoredKey[] | undefined> {
  const doing = { doing: `cutting ${relation.shown} into partitions` }
  const counted = await connection.query<{ n: number }>(`SELECT count(*) AS n FROM ${from} WHERE ${where}`, [], doing)
  const total = Number(counted.rows[0]?.n)
  if (total < least) return undefined
  const places = new Set(Array.from({ length: count - 1 }, (_, i) => Math.floor(((i + 1) * total) / count)))
  places.delete(0)
  if (places.size === 0) return []
  const columns = keyColumns(relation)
  const order = columns.map(({ sql }) => sql).join(', ')
  const texts = columns.map(({ sql }, i) => `${sql}::text AS k${i}`)
  const { rows } = await connection.query<Record<string, string>>(
    `SELECT * FROM (SELECT ${texts.join(', ')}, row_number() OVER (ORDER BY ${order}) AS place FROM ${from} WHERE ${where}) AS k
     WHERE place IN (${[...places].join(', ')}) ORDER BY place`,
    [],
    doing,
  )
  const borders = rows.map((row) => columns.map((_, i) => String(row[`k${i}`])))
  // A key that is none has the same value many times, and reading says so.
  return borders.filter((border, i) => JSON.stringify(border) !== JSON.stringify(borders[i - 1]))
}

function ranges(whole: KeyRange, borders: readonly StoredKey[]): KeyRange[] {
  return [...borders, whole.upto].map((upto, i) => ({ after: i === 0 ? whole.after : (borders[i - 1] ?? null), upto }))
}
