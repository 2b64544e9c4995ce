import type { SqliteDriver, SqliteValue } from '../connection/sqlite-connection.js'
import type { Affinity } from '../schema/affinity.js'

/**
 * The records of a page as a range of keys in their database. A sink that has the file attached copies them by
 * `INSERT … SELECT` and checks that as many rows came as the page counts; if others write to the source meanwhile it may differ,
 * and then the page is read again, as rows.
 *
 * ```sql
 * INSERT INTO main.copy (a, b) SELECT <columns> FROM src.<relation> WHERE <where> ORDER BY <order>
 * ```
 */
export interface SqliteRange {
  /** The whole path of the database's file, for ATTACH. */
  readonly path: string
  /** Table or view, quoted, without a schema before it. */
  readonly relation: string
  /** Names of the fields of a record, in order. */
  readonly columns: readonly string[]
  /** Of each column. */
  readonly affinities: readonly Affinity[]
  /** A condition with a `?` for each of `values`. */
  readonly where: string
  readonly values: readonly SqliteValue[]
  /** What comes behind ORDER BY. */
  readonly order: string
  /** This range and the one right behind it as one; null if that one stands somewhere else. */
  joined(next: SqliteRange): SqliteRange | null
}

/** What a reader names if it can take ranges: two drivers are two copies of SQLite, which must not share a file. */
export function rangeForm(driver: SqliteDriver): string {
  return `sqlite-range/${driver}`
}
