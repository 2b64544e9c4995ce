import { DroverError, type LogicalType, type RecordSchema, suggestNames } from '@drover/core'
import { quoteName } from '../connection/quote-name.js'
import type { WireType } from '../wire/wire-type.js'

/** A table, view or query as the database declares it. */
export interface Table {
  /** Null for a query. */
  readonly schema: string | null
  readonly name: string
  readonly kind: 'table' | 'partitioned table' | 'foreign table' | 'view' | 'materialized view' | 'query'
  /** As it stands behind FROM, quoted and with its schema; a query in parentheses. */
  readonly sql: string
  /** Of pg_class; null for a query. */
  readonly oid: number | null
  readonly columns: readonly Column[]
  /** Names of the columns of the primary key, in its order; empty if there is none. */
  readonly primaryKey: readonly string[]
  /** Columns of unique indexes over whole columns that cannot be null: each can be a key. */
  readonly uniqueKeys: readonly (readonly string[])[]
  /** Every unique index, those too that are no key. */
  readonly uniqueIndexes: readonly UniqueIndex[]
  /** Columns by which a partitioned table is split; null stands for an expression. */
  readonly partitionedBy: readonly (string | null)[]
  /** As ANALYZE counted them last; null if it never did. */
  readonly estimatedRows: number | null
  /** What this user may do with the table, or with some of its columns. */
  readonly rights: readonly TableRight[]
}

export type TableRight = 'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE'

export interface Column {
  readonly name: string
  readonly type: LogicalType
  /** The type as SQL writes it, such as `numeric(10,2)` or `chat.mood`. */
  readonly native: string
  /** The form of its values in a COPY. */
  readonly wire: WireType
  /** Can hold null. Columns of views and queries always can, as far as anybody knows. */
  readonly isNullable: boolean
  /** PostgreSQL computes it: it can be read, and not written. */
  readonly isGenerated: boolean
  /** `always` refuses values that are given, unless OVERRIDING SYSTEM VALUE says otherwise; COPY takes them. */
  readonly identity: 'always' | 'by default' | null
  readonly hasDefault: boolean
  /** The sequence that its default or identity counts with, as a text for `setval`. */
  readonly sequence: string | null
  /** How its texts are compared; null for types that have no collation. */
  readonly collation: Collation | null
}

export interface Collation {
  /** As SQL names it, for COLLATE. */
  readonly sql: string
  /** Texts are in the order of their bytes. */
  readonly isByteOrder: boolean
  /** False if texts of different bytes can be equal. */
  readonly isDeterministic: boolean
}

export interface UniqueIndex {
  readonly name: string
  /** Null stands for an expression. */
  readonly columns: readonly (string | null)[]
  readonly isPrimary: boolean
  /** It covers some rows only. */
  readonly isPartial: boolean
  /** Checked at the end of a statement or transaction; ON CONFLICT cannot use it. */
  readonly isDeferrable: boolean
  /** Two nulls are the same to it. */
  readonly isNullsNotDistinct: boolean
}

/** The records that reading the table gives. */
export function schemaOf(columns: readonly Column[], key: readonly string[]): RecordSchema {
  return {
    fields: columns.map(({ name, type, isNullable, native }) => ({ name, type, nullable: isNullable, native })),
    key: key.every((name) => findColumn(columns, name)) ? key : [],
  }
}

export function findColumn(columns: readonly Column[], name: string): Column | undefined {
  return columns.find((column) => column.name === name)
}

/**
 * The column of that name.
 *
 * @param where `db.example.org/chat, table "messages"`
 * @throws `NAME_UNKNOWN` with the nearest names.
 */
export function requireColumn(columns: readonly Column[], name: string, where: string): Column {
  const column = findColumn(columns, name)
  if (column) return column
  const names = columns.map((other) => other.name)
  throw new DroverError('NAME_UNKNOWN', `${where} has no column "${name}"${suggestNames(name, names)}`)
}

/** `table "messages"`, `view "chat.recent"`, as messages show it. */
export function shownTable({ kind, schema, name }: Pick<Table, 'kind' | 'schema' | 'name'>): string {
  if (kind === 'query') return 'the query'
  return `${kind} "${schema === null || schema === 'public' ? name : `${schema}.${name}`}"`
}

/** The name of a table with its schema, as SQL writes it. */
export function quoteTable(schema: string, name: string): string {
  return `${quoteName(schema)}.${quoteName(name)}`
}
