import type { Row } from '@drover/core'
import { quoteName } from '../connection/quote-name.js'
import type { Column, Table } from '../schema/table.js'
import { codecFor } from '../wire/codec-for.js'
import { oids } from '../wire/wire-type.js'
import type { BoundColumn } from './bound-column.js'

/** Which rows are updated, and when they are left alone. */
export interface UpdatePlan {
  readonly table: Table
  /** Database and table, for messages. */
  readonly where: string
  readonly key: readonly BoundColumn[]
  /** Columns that may be set. */
  readonly sets: readonly BoundColumn[]
  /** SQL that computes them, by name; without it their values come with the records. */
  readonly expressions?: Readonly<Record<string, string>>
  /** What must still hold of a row when it is updated. */
  readonly predicate: string
  /** Columns that must still hold what was read, because SQL could not repeat what is asked of them. */
  readonly seen: readonly BoundColumn[]
  /** Records come in the order of the key, so that those of one statement lie in one range of it. */
  readonly isOrdered: boolean
  /** The lock that these updates need. */
  readonly lock: RowLock
  /** The lock by which rows that somebody else has locked are left alone; null waits for them. */
  readonly skipLocked: RowLock | null
}

export type RowLock = 'FOR UPDATE' | 'FOR NO KEY UPDATE'

/** What is to be done with one row. */
export interface Computed {
  /** As it was read: its key, and what was seen. */
  readonly row: Row
  /** The new values. */
  readonly set: Row
}

/** The columns whose values come with the records, in the order of the parameters: those that are set, the key, what was seen. */
export function boundColumns({ expressions, key, seen }: UpdatePlan, sets: readonly BoundColumn[]): BoundColumn[] {
  return [...(expressions === undefined ? sets : []), ...key, ...seen]
}

/** What an update keeps of the rows that it changes, as SQL. */
export interface KeptImages {
  /** Of rows before. */
  readonly before: string
  /** Of the same rows afterwards. */
  readonly after: string
  readonly insert: (from: string) => string
}

/**
 * One UPDATE for many rows: an array for each of the {@link boundColumns}; where records are in order, the first and the last key
 * behind them, as texts, so that PostgreSQL reads that range of the index and not the table.
 *
 * @param kept Where images are kept, no other change may come between the image and the update: what somebody else has changed in this very
 * moment is left out, and comes by a second statement with `rest`, which locks rows before.
 */
export function updateSql(
  plan: UpdatePlan,
  sets: readonly BoundColumn[],
  kept?: KeptImages,
  how: 'all' | 'rest' = 'all',
): string {
  const bound = boundColumns(plan, sets)
  const records = `${unnested(bound)} AS drover_u (${places(bound)})`
  const { sql } = plan.table
  if (plan.skipLocked === null && kept === undefined) {
    return `UPDATE ${sql} SET ${assignments(plan, sets, 'drover_u')} FROM ${records} WHERE ${conditions(plan, bound, 'drover_u')}`
  }
  const images = kept === undefined ? '' : `, ${kept.before}`
  const isRest = how === 'rest' ? ` AND ${quoteName(plan.table.name)}.xmin <> ${ownXid}` : ''
  const locked = `SELECT drover_u.*${images} FROM ${sql} JOIN ${records} ON ${conditions(plan, bound, 'drover_u')}${isRest}
    ${plan.lock} OF ${quoteName(plan.table.name)}${plan.skipLocked === null ? '' : ' SKIP LOCKED'}`
  const updated = `UPDATE ${sql} SET ${assignments(plan, sets, 'drover_l')} FROM drover_l WHERE ${conditions(plan, bound, 'drover_l')}`
  if (kept === undefined) return `WITH drover_l AS MATERIALIZED (${locked}) ${updated}`
  if (plan.skipLocked === null && how === 'all') return keepingSql(unlocked(plan, sets, kept, records), kept)
  return keepingSql(updated, kept, `drover_l AS MATERIALIZED (${locked}), `)
}

/** The number of the transaction that is open, as rows have it that it has written. */
const ownXid = '(txid_current() % 4294967296)::text::xid'

function keepingSql(updated: string, { after, insert }: KeptImages, before = ''): string {
  return `WITH ${before}drover_w AS (${updated} RETURNING ${after}), drover_j AS (${insert('drover_w')})
    SELECT count(*)::int AS updated FROM drover_w`
}

/**
 * Updates rows of which it has seen the version that it updates. A row that somebody else has changed since the statement began has another
 * xmin when its turn comes, and is left out.
 */
function unlocked(plan: UpdatePlan, sets: readonly BoundColumn[], { before }: KeptImages, records: string): string {
  const { sql, name } = plan.table
  const version = ['ctid', 'tableoid', 'xmin']
  const own = (column: string): string => `${quoteName(name)}.${column}`
  const seen = version.map((column) => `${own(column)} AS drover_${column}`).join(', ')
  const isSeen = version.map((column) => `${own(column)} = drover_l.drover_${column}`).join(' AND ')
  const found = `SELECT drover_u.*, ${seen}, ${before} FROM ${sql} JOIN ${records} ON ${conditions(plan, boundColumns(plan, sets), 'drover_u')}`
  return `UPDATE ${sql} SET ${assignments(plan, sets, 'drover_l')} FROM (${found}) AS drover_l WHERE ${isSeen}`
}

/** The records of a statement, an array for each column. */
export function unnested(bound: readonly BoundColumn[]): string {
  return `unnest(${bound.map(({ arrayType }, i) => `$${i + 1}::${arrayType}`).join(', ')})`
}

/** What the columns of {@link unnested} are called. */
export function places(bound: readonly BoundColumn[]): string {
  return bound.map((_, i) => place(i)).join(', ')
}

/** A column of the table, as SQL of the user may name it too. */
export function columnSql(table: Pick<Table, 'name'>, { name }: Pick<Column, 'name'>): string {
  return `${quoteName(table.name)}.${quoteName(name)}`
}

function assignments(plan: UpdatePlan, sets: readonly BoundColumn[], from: string): string {
  const value = ({ name, sqlType }: BoundColumn, i: number): string => {
    const expression = plan.expressions?.[name]
    return expression === undefined ? `${from}.${place(i)}::${sqlType}` : `(${expression})`
  }
  return sets.map((column, i) => `${quoteName(column.name)} = ${value(column, i)}`).join(', ')
}

/** When a row is the one that a record, of that name, is about, and is still what was asked for. */
export function conditions(plan: UpdatePlan, bound: readonly BoundColumn[], from: string): string {
  const { table, key, seen, predicate } = plan
  const before = bound.length - key.length - seen.length
  const isKey = key.map((column, i) => `${columnSql(table, column)} = ${from}.${place(before + i)}::${column.sqlType}`)
  const isSeen = seen.map((column, i) => sameSql(table, column, `${from}.${place(before + key.length + i)}`))
  // A term of its own: an index on a column of it must not lead the search for rows whose keys are known.
  return [...isKey, ...isSeen, ...range(plan, bound.length), `CASE WHEN (${predicate}) THEN true END`].join(' AND ')
}

function range({ isOrdered, table, key }: UpdatePlan, parameters: number): string[] {
  if (!isOrdered) return []
  const columns = `(${key.map((column) => columnSql(table, column)).join(', ')})`
  const bound = (from: number): string => `(${key.map(({ sqlType }, i) => `$${from + i + 1}::${sqlType}`).join(', ')})`
  return [`${columns} >= ${bound(parameters)}`, `${columns} <= ${bound(parameters + key.length)}`]
}

/** Whether the column holds the value, of types too that know no equality. */
function sameSql(table: Pick<Table, 'name'>, column: BoundColumn, value: string): string {
  const own = columnSql(table, column)
  if (codecFor(column.wire) === undefined) return `${own}::text IS NOT DISTINCT FROM ${value}`
  const type = column.wire.base === oids.json ? 'jsonb' : column.sqlType
  return `${own}::${type} IS NOT DISTINCT FROM ${value}::${type}`
}

function place(i: number): string {
  return `drover_${i}`
}
