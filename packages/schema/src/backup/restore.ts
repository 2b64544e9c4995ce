import { existsSync } from 'node:fs'
import { checkFlag, checkOptionNames, checkText, DroverError, type Operation } from '@drover/core'
import type { SchemaDatabase } from '../contracts/database.js'
import type { SchemaLocation } from '../contracts/migrator.js'
import { Journal } from '../journal/journal.js'
import { backUp } from './backup.js'
import type { Backup } from './backup-manifest.js'
import { identityOf } from './database-identity.js'
import { findBackup } from './find-backup.js'
import { isEmptyPostgres, loadDump } from './restore-postgres.js'
import { replaceSqlite } from './restore-sqlite.js'
import { verifyBackup } from './verify-backup.js'
import { withDatabase } from './with-database.js'

export interface RestoreOptions extends Partial<Operation> {
  /** @default the variable DATABASE_URL */
  readonly connection?: SchemaLocation | SchemaDatabase
  /** Where backups are kept. */
  readonly folder: string
  /** A timestamp or its unambiguous beginning, `latest` of this database, or the path of a backup. */
  readonly backup: string
  /** Also one of another database. @default false */
  readonly force?: boolean
  /** PostgreSQL: also into a database that is not empty. All that is in it is dropped, in the same transaction. @default false */
  readonly replace?: boolean
  /** PostgreSQL: end everybody else's sessions in that database first. @default false: they are waited for as long as a lock may be */
  readonly terminate?: boolean
  /** PostgreSQL: `leave` makes the one who restores the owner of everything, and gives nobody rights. @default 'keep' */
  readonly owners?: 'keep' | 'leave'
  /** Keep what is replaced: `<file>.before-restore-<timestamp>`; of PostgreSQL a backup in the same folder. @default true */
  readonly keep?: boolean
  /** PostgreSQL: how long to wait for a lock, in milliseconds. @default 5000 */
  readonly lockTimeoutMs?: number
  /** What the names of the journal's tables begin with. @default 'drover_' */
  readonly tablePrefix?: string
}

export interface RestoreReport {
  readonly backup: Backup
  /** Where the database that was replaced is kept; null if there was none. */
  readonly kept: string | null
  /** What else happened, for the person. */
  readonly notes: readonly string[]
  readonly durationMs: number
}

/**
 * Puts a backup in the place of a database. The backup is read and verified before anything is touched, and what was restored is compared with the backup's manifest before it is seen. A process that dies on
 * the way leaves the old database or the new one.
 *
 * Of SQLite nobody else may have the database open: the file is replaced by another one, and its write-ahead log goes with the old one. PostgreSQL is restored in one transaction.
 *
 * @throws `BACKUP_UNKNOWN` (it lists what there is), `BACKUP_INVALID`, `STORE_BUSY` (somebody else works on the database), `LOSS_REFUSED` (it is not empty), `STORE_FULL`, `STORE_DENIED`
 *
 * @example
 * await restore({ connection: 'app.db', folder: 'backups', backup: 'latest' })
 */
export async function restore(options: RestoreOptions): Promise<RestoreReport> {
  const where = 'restore'
  checkOptionNames(where, options, [
    ...[
      'connection',
      'folder',
      'backup',
      'force',
      'replace',
      'terminate',
      'owners',
      'keep',
      'lockTimeoutMs',
      'tablePrefix',
      'signal',
    ],
  ])
  checkText(where, 'folder', options.folder)
  checkText(where, 'backup', options.backup)
  for (const flag of ['force', 'replace', 'terminate', 'keep'] as const) checkFlag(where, flag, options[flag])
  const began = performance.now()
  const { signal = new AbortController().signal } = options
  const restored = await withDatabase(
    options.connection,
    where,
    (database) => restoreInto(database, options, { signal }),
    { mayCreate: true },
  )
  return { ...restored, durationMs: performance.now() - began }
}

async function restoreInto(
  database: SchemaDatabase,
  options: RestoreOptions,
  operation: Operation,
): Promise<Omit<RestoreReport, 'durationMs'>> {
  const { folder, keep = true, force = false, replace = false } = options
  const about = await identityOf(database, operation)
  const backup = await verifyBackup((await findBackup({ folder, backup: options.backup, about })).path)
  const { manifest } = backup
  if (manifest.dialect !== database.dialect) {
    throw new DroverError(
      'BACKUP_INVALID',
      `${backup.path} is a backup of ${manifest.dialect === 'sqlite' ? 'a SQLite' : 'a PostgreSQL'} database, and ${database.name} is none.`,
    )
  }
  const isEmpty = await isEmptyDatabase(database, operation)
  if (!isEmpty && !force && manifest.identity !== about.identity) {
    throw new DroverError(
      'BACKUP_INVALID',
      `${backup.path} is a backup of another database: of ${manifest.identity}, and ${database.name} is ${about.identity}. Nothing was touched. If it is meant to replace it, say so (force).`,
    )
  }
  if (database.dialect === 'sqlite') return { backup, ...(await replaceSqlite(database, backup, { ...options, keep })) }
  if (!isEmpty && !replace) {
    throw new DroverError(
      'LOSS_REFUSED',
      `${database.name} is not empty, and restoring would drop all that is in it. Nothing was touched. Say so (replace), or restore into an empty database.`,
    )
  }
  const asKept = {
    folder,
    name: `${about.database}.before-restore`,
    isKept: true,
    journal: new Journal(database, options.tablePrefix ?? 'drover_'),
  } as const
  const kept = !isEmpty && keep ? await backUp(database, asKept, operation) : null
  const notes = await loadDump(database, backup, options, operation)
  return { backup, kept: kept?.path ?? null, notes }
}

async function isEmptyDatabase(database: SchemaDatabase, operation: Operation): Promise<boolean> {
  if (database.dialect === 'postgres') return isEmptyPostgres(database, operation)
  if (database.path === null) {
    throw new DroverError('OPTION_INVALID', 'restore: a database in memory cannot be replaced by a file.')
  }
  return !existsSync(database.path)
}
