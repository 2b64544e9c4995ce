import type { Row } from '@drover/core'
import { quoteName } from '../connection/quote-name.js'
import type { Column } from '../schema/table.js'
import type { Sql } from '../source/sql.js'

/** Which rows are updated, and when they are left alone. */
export interface UpdatePlan {
  /** As it stands in the schema. */
  readonly table: string
  readonly key: readonly Column[]
  /** The key is the rowid, which is no column. */
  readonly isByRowid: boolean
  /** Columns that are read beside the key. */
  readonly reads: readonly Column[]
  /** Columns that may be set. */
  readonly sets: readonly Column[]
  /** SQL that computes them, by name; without it their values come with the records. */
  readonly expressions?: Readonly<Record<string, string>>
  /** What must still hold of a row when it is updated. */
  readonly predicate: Sql
  /** The table's own DDL has conflict clauses. */
  readonly isOverruling: boolean
  /** Columns that must still hold what was read, because SQL could not repeat what is asked of them. */
  readonly seen: readonly Column[]
}

/** What is to be done with one row. */
export interface Computed {
  /** As it was read: its key, and what was seen. */
  readonly row: Row
  /** The new values. */
  readonly set: Row
}

/**
 * The predicate as a term of its own: an index on a column of it must not lead the search for rows whose keys are known.
 * Planned without statistics, `token_count = 0` promises ten rows, and holds for a million.
 */
export function guard({ sql }: Sql): string {
  return `CASE WHEN (${sql}) THEN 1 END`
}

/** `UPDATE … SET a = ?, … WHERE id = ? AND seen IS ? AND …`, one row; the placeholders in this order. */
export function rowUpdate(plan: UpdatePlan, sets: readonly Column[]): string {
  const conditions = [
    ...plan.key.map(({ name }) => `${quoteName(name)} = ?`),
    ...plan.seen.map(({ name }) => `${quoteName(name)} IS ?`),
    guard(plan.predicate),
  ]
  return `${update(plan)} SET ${assignments(plan, sets, () => '?')} WHERE ${conditions.join(' AND ')}`
}

/** The same for a chunk of rows: values of sets, key and seen columns, each by its expression over `json_each`. */
export function chunkUpdate(plan: UpdatePlan, sets: readonly Column[], expressions: readonly string[]): string {
  const bound = plan.expressions === undefined ? sets : []
  const place = (i: number): string => `drover_u.${quoteName(`drover_${i}`)}`
  const column = ({ name }: Column): string => `${quoteName(plan.table)}.${quoteName(name)}`
  const selected = expressions.map((expression, i) => `${expression} AS ${quoteName(`drover_${i}`)}`)
  const conditions = [
    ...plan.key.map((key, i) => `${column(key)} = ${place(bound.length + i)}`),
    ...plan.seen.map((seen, i) => `${column(seen)} IS ${place(bound.length + plan.key.length + i)}`),
    guard(plan.predicate),
  ]
  return `${update(plan)} SET ${assignments(plan, sets, place)}
    FROM (SELECT ${selected.join(', ')} FROM json_each(?)) AS drover_u WHERE ${conditions.join(' AND ')}`
}

/** All rows between two keys, both included, by SQL alone. */
export function rangeUpdate(plan: UpdatePlan): string {
  const names = plan.key.map(({ name }) => quoteName(name)).join(', ')
  const places = plan.key.map(() => '?').join(', ')
  const range = `(${names}) >= (${places}) AND (${names}) <= (${places})`
  return `${update(plan)} SET ${assignments(plan, plan.sets, () => '?')} WHERE ${range} AND ${guard(plan.predicate)}`
}

/**
 * OR ABORT overrules what the table's own constraints say, which may be to delete other rows. It overrules the clauses of
 * triggers too, so it is only said where it has to be.
 */
export function update({ table, isOverruling }: Pick<UpdatePlan, 'table' | 'isOverruling'>): string {
  return `UPDATE${isOverruling ? ' OR ABORT' : ''} main.${quoteName(table)}`
}

function assignments(plan: UpdatePlan, sets: readonly Column[], place: (i: number) => string): string {
  return sets
    .map(({ name }, i) => {
      const expression = plan.expressions?.[name]
      return `${quoteName(name)} = ${expression === undefined ? place(i) : `(${expression})`}`
    })
    .join(', ')
}
