import type { Knex } from 'knex'

/** A column, in words of the database or in words for both. */
export interface ColumnDefinition {
  /**
   * `text`, `integer`, `bigint`, `boolean`, `double`, `decimal(p,s)`, `varchar(n)`, `timestamp`, `timestamptz`, `date`, `uuid`, `json`, `bytes`
   * are translated; anything else is taken as the database's own.
   */
  readonly type: string
  /** @default true */
  readonly nullable?: boolean
  /** A value; SQL as `{ sql: 'now()' }`. */
  readonly default?: string | number | boolean | null | { readonly sql: string }
  readonly references?: {
    readonly table: string
    readonly column: string
    readonly onDelete?: string
    readonly onUpdate?: string
  }
  readonly check?: string
  /** Of the enum that `type` names. SQLite has no types: there the column is a text with a CHECK of that name, which `addEnumValue` and its like change. */
  readonly values?: readonly string[]
  readonly unique?: boolean
  readonly collation?: string
  /** Numbers of its own. What only the other database has is the nearest there: `autoincrement` is `by-default`, and SQLite's key counts anyway. */
  readonly identity?: 'always' | 'by-default' | 'serial' | 'autoincrement'
  /** SQL over the row. PostgreSQL stores it always. */
  readonly generated?: { readonly sql: string; readonly stored?: boolean }
}

export interface ForeignKeyDefinition {
  readonly name?: string
  readonly columns: readonly string[]
  readonly references: { readonly table: string; readonly columns: readonly string[] }
  readonly onDelete?: string
  readonly onUpdate?: string
  /** DEFERRABLE INITIALLY … */
  readonly deferrable?: 'immediate' | 'deferred'
}

/** A table, for both databases. */
export interface TableDefinition {
  readonly columns: Readonly<Record<string, ColumnDefinition>>
  readonly primaryKey?: readonly string[]
  readonly uniques?: readonly { readonly name?: string; readonly columns: readonly string[] }[]
  /** `expression` is SQL. */
  readonly checks?: readonly { readonly name?: string; readonly expression: string }[]
  readonly foreignKeys?: readonly ForeignKeyDefinition[]
  /** SQLite. */
  readonly strict?: boolean
  readonly withoutRowid?: boolean
}

export interface IndexDefinition {
  readonly name: string
  /** Columns, or SQL in `{ sql }`. */
  readonly columns: readonly (string | { readonly sql: string })[]
  readonly unique?: boolean
  /** SQL: a partial index. */
  readonly where?: string
  /** PostgreSQL: `gin`, `brin` …. */
  readonly using?: string
  /** PostgreSQL: columns that ride along. */
  readonly include?: readonly string[]
}

export interface RebuildOptions {
  /** Makes the new table: columns added, changed, dropped, renamed. Left out columns stay as they are. */
  readonly columns?: Readonly<Record<string, ColumnDefinition | null>>
  /** New name by old one. */
  readonly rename?: Readonly<Record<string, string>>
  /** SQL over the old row for each column that is not simply copied. */
  readonly fill?: Readonly<Record<string, string>>
  readonly primaryKey?: readonly string[]
  /** SQL of table constraints to add, and names of those to drop. */
  readonly addConstraints?: readonly string[]
  readonly dropConstraints?: readonly string[]
  /** Instead of all that: the whole statement of the new table, under its own name. */
  readonly createSql?: string
  /** The old table stays under this name; nothing refers to it. @default it is dropped */
  readonly keepOldAs?: string
  /** SQLite: STRICT, WITHOUT ROWID. @default as it was */
  readonly strict?: boolean
  readonly withoutRowid?: boolean
}

export interface JsonAttribute {
  readonly table: string
  readonly column: string
  /** `$.timeout_seconds`, nested with dots. */
  readonly path: string
  readonly value: unknown
  /** Rows whose json does not parse: fail and name them, or leave them and list them. @default 'fail' */
  readonly malformed?: 'fail' | 'keep'
  /** Rows whose json is absent (NULL) or the text `null`: given an object, or left. @default 'create' */
  readonly missing?: 'create' | 'keep'
}

export interface PromoteJson {
  readonly table: string
  readonly column: string
  readonly path: string
  readonly to: { readonly name: string } & ColumnDefinition
  /**
   * Rows whose json is malformed, null, `'null'`, of another type, or lacks the attribute get this value, are listed in the journal, and keep their json
   * as it is.
   *
   * @default the column's default
   */
  readonly otherwise?: string | number | boolean | null
  /** Take the attribute out of the json of rows that were promoted. @default true */
  readonly remove?: boolean
}

/** What became of the rows of a promotion. */
export interface Promoted {
  readonly promoted: number
  /** Rows left as they were, by reason. */
  readonly kept: Readonly<Record<'malformed' | 'null' | 'json-null' | 'wrong-type' | 'missing', number>>
}

export interface ArchiveOptions {
  readonly to?: string
  /** SQL: only these rows. */
  readonly where?: string
}

/**
 * Changes of the schema in both databases. Each call is awaited. PostgreSQL and SQLite get the statements that are safe there: SQLite's tables
 * are rebuilt where it cannot change them in place, with all that hangs on them.
 */
export interface SchemaChanges {
  /** With knex's words, or as a definition. */
  createTable(name: string, table: TableDefinition | ((table: Knex.CreateTableBuilder) => void)): Promise<void>
  /** With knex's words. What SQLite cannot do in place is refused there, and names what can. */
  alterTable(name: string, build: (table: Knex.AlterTableBuilder) => void): Promise<void>
  dropTable(name: string, options?: { readonly ifExists?: boolean; readonly cascade?: boolean }): Promise<void>
  renameTable(from: string, to: string): Promise<void>
  addColumn(table: string, name: string, definition: ColumnDefinition): Promise<void>
  dropColumn(table: string, ...names: readonly string[]): Promise<void>
  renameColumn(table: string, from: string, to: string): Promise<void>
  alterColumn(table: string, name: string, to: Partial<ColumnDefinition> & { readonly using?: string }): Promise<void>
  createIndex(table: string, index: IndexDefinition): Promise<void>
  dropIndex(name: string, options?: { readonly ifExists?: boolean; readonly concurrently?: boolean }): Promise<void>
  createView(name: string, sql: string): Promise<void>
  dropView(name: string): Promise<void>
  addCheck(table: string, name: string, expression: string): Promise<void>
  addUnique(table: string, name: string, columns: readonly string[]): Promise<void>
  dropConstraint(table: string, name: string): Promise<void>

  /** SQLite's twelve steps; in PostgreSQL a new table that takes over indexes, keys, views, triggers, rights and sequences. */
  rebuildTable(table: string, options: RebuildOptions): Promise<void>
  addJsonAttribute(attribute: JsonAttribute): Promise<void>
  /** The way back of the same. */
  removeJsonAttribute(attribute: Omit<JsonAttribute, 'value' | 'missing'>): Promise<void>
  promoteJson(promotion: PromoteJson): Promise<Promoted>
  /** The lossless way back: values go into the json where they came from; kept originals come back as they were. */
  demoteJson(promotion: PromoteJson): Promise<void>
  /** CREATE INDEX CONCURRENTLY, which drops an invalid leftover of its own first; a plain index in SQLite. */
  concurrentIndex(table: string, index: IndexDefinition): Promise<void>
  /** CHECK NOT VALID, validated, NOT NULL, and the check dropped; a rebuild in SQLite. `fill` is the value for nulls, else they are an error with their keys. */
  addNotNull(
    table: string,
    column: string,
    options?: { readonly fill?: string | number | boolean | { readonly sql: string } },
  ): Promise<void>
  dropNotNull(table: string, column: string): Promise<void>
  /** NOT VALID, then validated; rows without a parent are an error that names them. A rebuild in SQLite. */
  addForeignKey(table: string, key: ForeignKeyDefinition & { readonly name: string }): Promise<void>
  dropForeignKey(table: string, name: string): Promise<void>
  /** Keeps rows before they go: `<table>_archive_<revision>`, or `to`. Counts are compared. */
  archiveTable(table: string, options?: ArchiveOptions): Promise<void>
  createEnum(name: string, values: readonly string[]): Promise<void>
  addEnumValue(
    name: string,
    value: string,
    where?: { readonly before?: string; readonly after?: string },
  ): Promise<void>
  renameEnumValue(name: string, from: string, to: string): Promise<void>
  /** Another set of values; `map` says what becomes of those that are gone. Columns of the type are changed with it. SQLite: a CHECK on the column. */
  changeEnum(name: string, values: readonly string[], map?: Readonly<Record<string, string>>): Promise<void>
  dropEnum(name: string): Promise<void>
  /** Sets a table's `schema_version` column in rows that have another one. */
  setRowVersion(
    table: string,
    version: number,
    options?: { readonly column?: string; readonly where?: string },
  ): Promise<void>
}
