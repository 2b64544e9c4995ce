import type { LogicalType } from '@drover/core'
import type { Affinity } from './affinity.js'

/** A table or view as the database declares it. */
export interface Table {
  /** As it is written in the schema. */
  readonly name: string
  readonly kind: 'table' | 'view' | 'virtual'
  readonly columns: readonly Column[]
  /** Names of the columns of the primary key, in its order; empty if there is none. */
  readonly primaryKey: readonly string[]
  /** The column that is the rowid itself (INTEGER PRIMARY KEY); null if none is. */
  readonly rowidAlias: string | null
  /** A name under which the rowid can be asked for; null if there is none, or columns took all of its names. */
  readonly rowid: string | null
  readonly isWithoutRowid: boolean
  readonly isStrict: boolean
  /** Its DDL may say `ON CONFLICT REPLACE` or the like: https://www.sqlite.org/lang_conflict.html */
  readonly hasConflictClauses: boolean
  /** Columns of unique indexes over whole columns that cannot be null: each can be a key. */
  readonly uniqueKeys: readonly (readonly string[])[]
}

export interface Column {
  readonly name: string
  /**
   * The declared type as it stands in the schema, with the collation by which a unique index compares its values, if that is
   * not BINARY: `TEXT COLLATE NOCASE`. Empty if there is neither.
   */
  readonly declared: string
  readonly affinity: Affinity
  readonly type: LogicalType
  /** Can hold null, whatever the primary key says: SQLite lets nulls into one that is not INTEGER. */
  readonly isNullable: boolean
  readonly isGenerated: boolean
}

/** The column of that name, as SQL compares names: without regard to the case of ASCII letters. */
export function findColumn(columns: readonly Column[], name: string): Column | undefined {
  return columns.find((column) => column.name === name) ?? columns.find((column) => sameName(column.name, name))
}

/** Whether SQLite takes two names for the same. */
export function sameName(a: string, b: string): boolean {
  return foldCase(a) === foldCase(b)
}

function foldCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}
