import type { Dialect } from './migration.js'

/** The schema of a database, as it was read. Names are as stored; of PostgreSQL outside `public`'s search path with the schema in front. */
export interface Catalog {
  readonly dialect: Dialect
  readonly tables: readonly CatalogTable[]
  readonly views: readonly CatalogView[]
  readonly triggers: readonly CatalogTrigger[]
  /** PostgreSQL. */
  readonly enums: readonly CatalogEnum[]
  /** PostgreSQL; those that belong to a column are named there. */
  readonly sequences: readonly CatalogSequence[]
  /** What is there and cannot be said in these terms: functions, policies, partitions, domains …: kind and name, for those who promise completeness. */
  readonly others: readonly { readonly kind: string; readonly name: string; readonly sql?: string }[]
}

export interface CatalogTable {
  readonly name: string
  readonly columns: readonly CatalogColumn[]
  /** In the order of the key; empty if there is none. */
  readonly primaryKey: readonly string[]
  /** Of the primary key's constraint, in PostgreSQL. */
  readonly primaryKeyName?: string
  readonly uniques: readonly { readonly name?: string; readonly columns: readonly string[] }[]
  readonly checks: readonly { readonly name?: string; readonly expression: string; readonly isValid: boolean }[]
  readonly foreignKeys: readonly CatalogForeignKey[]
  /** Besides those of keys and unique constraints. */
  readonly indexes: readonly CatalogIndex[]
  /** SQLite: the statement that made it, and what it says at its end. */
  readonly sql?: string
  readonly isStrict?: boolean
  readonly isWithoutRowid?: boolean
  readonly comment?: string
}

export interface CatalogColumn {
  readonly name: string
  /** As the database writes it: `character varying(255)`, `VARCHAR(32)`; empty where SQLite has none. */
  readonly type: string
  readonly isNullable: boolean
  /** The default's expression as the database writes it. */
  readonly default?: string
  /** `always` or `by-default` of GENERATED … AS IDENTITY; `serial`: a sequence of its own; `autoincrement` of SQLite. */
  readonly identity?: 'always' | 'by-default' | 'serial' | 'autoincrement'
  /** The expression of a generated column, and whether it is stored. */
  readonly generated?: { readonly expression: string; readonly isStored: boolean }
  readonly collation?: string
  readonly comment?: string
}

export type CatalogAction = 'no action' | 'restrict' | 'cascade' | 'set null' | 'set default'

export interface CatalogForeignKey {
  readonly name?: string
  readonly columns: readonly string[]
  readonly table: string
  readonly references: readonly string[]
  readonly onDelete: CatalogAction
  readonly onUpdate: CatalogAction
  /** DEFERRABLE, and INITIALLY DEFERRED. */
  readonly deferrable?: 'immediate' | 'deferred'
  /** False after NOT VALID. */
  readonly isValid: boolean
}

export interface CatalogIndex {
  readonly name: string
  /** Columns, or expressions as the database writes them. */
  readonly keys: readonly string[]
  readonly isUnique: boolean
  /** `btree`, `gin` …; always `btree` in SQLite. */
  readonly method: string
  /** The predicate of a partial index. */
  readonly where?: string
  readonly include?: readonly string[]
  /** False after a failed CREATE INDEX CONCURRENTLY. */
  readonly isValid: boolean
  /** The statement that makes it. */
  readonly sql: string
}

export interface CatalogView {
  readonly name: string
  /** The statement that makes it. */
  readonly sql: string
  readonly isMaterialized: boolean
  /** Tables and views that it reads. */
  readonly reads: readonly string[]
}

export interface CatalogTrigger {
  readonly name: string
  readonly table: string
  readonly sql: string
}

export interface CatalogEnum {
  readonly name: string
  readonly values: readonly string[]
}

export interface CatalogSequence {
  readonly name: string
  readonly sql: string
  /** `table.column` that it belongs to. */
  readonly ownedBy?: string
}
