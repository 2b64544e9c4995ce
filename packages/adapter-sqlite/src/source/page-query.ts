import type { JsonValue } from '@drover/core'
import { keyColumns, rangeSql } from './key-range.js'
import type { Relation } from './relation.js'
import { allOfSql, type Sql } from './sql.js'

/** The part of a relation that one page is cut from. */
export interface PageBounds {
  readonly after: JsonValue | null
  readonly upto: JsonValue | null
  /** What the engine asked to leave out. */
  readonly filter: Sql | null
}

/** `SELECT <columns> FROM … WHERE … ORDER BY key LIMIT …`: the rows of a page. `columns` name the table `d`. */
export function pageQuery(relation: Relation, bounds: PageBounds, columns: readonly string[], limit: number): Sql {
  const where = whereOf(relation, bounds, 'd.')
  const order = keyColumns(relation, 'd.').join(', ')
  return {
    sql: `SELECT ${columns.join(', ')} FROM ${relation.sql} AS d WHERE ${where.sql} ORDER BY ${order} LIMIT ?`,
    values: [...where.values, BigInt(limit)],
  }
}

/** All conditions that a record of the page fulfils. */
export function whereOf(relation: Relation, bounds: PageBounds, prefix = ''): Sql {
  return allOfSql([relation.where, bounds.filter, rangeSql(relation, bounds, prefix)])
}
