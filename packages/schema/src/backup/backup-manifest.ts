import type { Catalog } from '../contracts/catalog.js'
import type { Dialect } from '../contracts/migration.js'

/** What one table holds. */
export interface TableContents {
  /** As in the catalog; of PostgreSQL always with its schema. */
  readonly name: string
  readonly rows: number
  /** The sum of the SHA-256 of all rows, whatever their order; generated columns are left out. */
  readonly sha256: string
}

/** Where a sequence of PostgreSQL stands. */
export interface SequenceValue {
  readonly name: string
  /** In decimal. */
  readonly value: string
  readonly isCalled: boolean
}

/** What lies beside a backup, and says what it is. The backup is there when this is. */
export interface BackupManifest {
  readonly drover: 'backup'
  readonly format: 1
  /** `YYYYMMDD_HHMMSS` in UTC, and `_2` and so on where there were several in one second: what it is asked for by. */
  readonly timestamp: string
  /** ISO 8601. */
  readonly at: string
  /** The database's name: of a SQLite file without its extension. */
  readonly database: string
  /** Which database it is one of: the whole path of a SQLite file; the server's own number and the name. */
  readonly identity: string
  readonly dialect: Dialect
  /** Of the server or the library: 150004, 3052000. */
  readonly version: number
  /** What made it. */
  readonly tool: string
  /** The file's name, in the same folder. */
  readonly file: string
  readonly bytes: number
  /** Of the file. */
  readonly sha256: string
  /** It is what a restore has replaced: `latest` never means it. */
  readonly isKept?: true
  /** Revisions that it stands at. */
  readonly heads: readonly string[]
  readonly tables: readonly TableContents[]
  readonly catalog: Catalog
  readonly sequences: readonly SequenceValue[]
  /** SQLite: the journal mode that the database had; the file itself is kept in the mode `delete`, so that it is all there is. */
  readonly journalMode?: string
  /** SQLite: rows that refer to nothing, which the database had already. */
  readonly brokenKeys?: number
}

/** A backup in a folder. */
export interface Backup {
  /** The file, as the folder was given. */
  readonly path: string
  readonly manifest: BackupManifest
}
