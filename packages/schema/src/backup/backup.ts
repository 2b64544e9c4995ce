import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { checkChoice, checkOptionNames, checkText, type Operation, outputError, systemCode } from '@drover/core'
import type { SchemaConnection, SchemaDatabase } from '../contracts/database.js'
import type { SchemaLocation } from '../contracts/migrator.js'
import { Journal } from '../journal/journal.js'
import { fileBase, manifestPath, place, timestampOf } from './backup-files.js'
import type { Backup, BackupManifest } from './backup-manifest.js'
import { type BackupTool, dumpDatabase } from './backup-postgres.js'
import { copySqlite } from './backup-sqlite.js'
import { identityOf } from './database-identity.js'
import { placeText, sha256OfFile } from './durable-file.js'

import { withDatabase } from './with-database.js'

export interface BackupOptions extends Partial<Operation> {
  /** @default the variable DATABASE_URL */
  readonly connection?: SchemaLocation | SchemaDatabase
  /** Where backups are kept; made if it is not there. */
  readonly folder: string
  /** What the file's name begins with. @default the database's name */
  readonly name?: string
  /** PostgreSQL: what makes it. @default pg_dump where there is one on PATH that is not older than the server, and the connection is a URL; else Drover itself */
  readonly tool?: BackupTool
  /** What the names of the journal's tables begin with. @default 'drover_' */
  readonly tablePrefix?: string
}

/**
 * Backs a database up into `<folder>/<database>_<YYYYMMDD_HHMMSS>.db` or `.sql` (UTC), with a manifest beside it, while others work on it.
 * Everything that is committed is in it. The file is read again and compared with the database before it counts as a backup; without its manifest it is none.
 *
 * SQLite is copied by its own online backup. PostgreSQL is written as SQL that psql reads, by pg_dump or by Drover: roles, which belong to
 * the server, are not in it; owners and rights are.
 *
 * @throws `BACKUP_INVALID` if it would not be complete, `OPTION_INVALID`, `SOURCE_NOT_FOUND`, `STORE_FULL`, `STORE_DENIED`, `STORE_UNAVAILABLE`
 *
 * @example
 * const { path } = await backup({ connection: 'app.db', folder: 'backups' })
 */
export async function backup(options: BackupOptions): Promise<Backup> {
  const where = 'backup'
  checkOptionNames(where, options, ['connection', 'folder', 'name', 'tool', 'tablePrefix', 'signal'])
  checkText(where, 'folder', options.folder)
  if (options.name !== undefined) checkText(where, 'name', options.name)
  if (options.tool !== undefined) checkChoice(where, 'tool', options.tool, ['pg_dump', 'drover'])
  const { signal = new AbortController().signal } = options
  const { folder, name, tool, tablePrefix = 'drover_' } = options
  return withDatabase(options.connection, where, (database) => {
    const journal = new Journal(database, tablePrefix)
    return backUp(database, { folder, name, tool, journal }, { signal })
  })
}

interface Made {
  readonly folder: string
  readonly name?: string | undefined
  readonly tool?: BackupTool | undefined
  readonly journal: Journal
  /** By a restore, of what it replaces. */
  readonly isKept?: true
}

/** A backup of a database that is open. */
export async function backUp(
  database: SchemaDatabase,
  { folder, name, tool, journal, isKept }: Made,
  operation: Operation,
): Promise<Backup> {
  const { dialect } = database
  const about = await identityOf(database, operation)
  await using connection = await database.connect(operation)
  const at = new Date()
  const shown = `The backup in ${folder}`
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const timestamp = await timestampOf(folder, name ?? about.database, at)
    const base = fileBase(name ?? about.database, timestamp)
    const extension = dialect === 'sqlite' ? 'db' : 'sql'
    const file = `${base}.${extension}`
    const fresh = join(folder, `.${base}.${process.pid}.part`)
    try {
      await rm(fresh, { force: true })
      const heads = await headsOf(connection, journal)
      const made =
        dialect === 'sqlite'
          ? { sequences: [], ...(await copySqlite(connection, fresh, operation)) }
          : await dumpDatabase(connection, fresh, { url: database.url, asked: tool }, operation)
      const manifest: BackupManifest = {
        drover: 'backup',
        format: 1,
        timestamp,
        at: at.toISOString(),
        ...about,
        dialect,
        version: connection.version,
        file,
        ...(await sha256OfFile(fresh)),
        ...(isKept === undefined ? {} : { isKept }),
        heads,
        ...made,
      }
      const path = join(folder, file)
      await place(fresh, path)
      await placeText(manifestPath(path), `${JSON.stringify(manifest, null, 1)}\n`)
      return { path, manifest }
    } finally {
      for (const suffix of ['', '-journal', '-wal', '-shm']) await rm(`${fresh}${suffix}`, { force: true })
    }
  } catch (error) {
    throw systemCode(error)?.startsWith('E') === true ? outputError(error, shown) : error
  }
}

/** Revisions at which the database stands. */
async function headsOf(connection: SchemaConnection, journal: Journal): Promise<readonly string[]> {
  const entries = await journal.glance((sql, values) => connection.query(sql, values))
  const parents = new Set(entries.flatMap(({ dependsOn }) => dependsOn))
  return entries.map(({ revision }) => revision).filter((revision) => !parents.has(revision))
}
