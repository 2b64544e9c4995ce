import type { SqliteConnection } from '@drover/adapter-sqlite'
import { DroverError, type Operation } from '@drover/core'
import { readCatalog } from '../catalog/read-catalog.js'
import type { Catalog } from '../contracts/catalog.js'
import type { SchemaConnection } from '../contracts/database.js'
import { quoteText } from '../sql/quote.js'
import type { TableContents } from './backup-manifest.js'
import { syncFile } from './durable-file.js'
import { sqliteOf } from './native.js'
import { sqliteContents } from './sqlite-contents.js'
import { openStored, readOf, readWhole } from './stored-sqlite.js'

/** What a copy was made of, and by what. */
export interface Copied {
  readonly tool: string
  readonly catalog: Catalog
  readonly tables: readonly TableContents[]
  readonly journalMode: string
  readonly brokenKeys: number
}

/** Pages of one step of a copy: between steps the event loop goes on. */
const pagesPerStep = 2000

/**
 * Copies a database into a file with everything that is committed, also what is in its write-ahead log alone, while others read and write. The
 * copy and what is noted about it are of one moment.
 *
 * @throws `BACKUP_INVALID` if the copy is not what was copied
 */
export async function copySqlite(connection: SchemaConnection, file: string, operation: Operation): Promise<Copied> {
  const sqlite = sqliteOf(connection)
  const copied = sqlite.path === null ? await vacuumInto(sqlite, file) : await copyOnline(sqlite, file, operation)
  // The file is to be all that there is: with a write-ahead log of its own, whoever looks at it would make files beside it.
  await using writer = await openStored(file, sqlite.driver, { isReadonly: false })
  await writer.exec('PRAGMA journal_mode = DELETE')
  const found = await readWhole(writer, copied.tables)
  if (found.problems.length > 0) {
    throw new DroverError(
      'BACKUP_INVALID',
      `The backup of ${connection.name} is not what it was made of: ${found.problems.join('; ')}. Nothing was kept; check the disk.`,
    )
  }
  await writer[Symbol.asyncDispose]()
  await syncFile(file)
  return { ...copied, tables: found.tables, brokenKeys: found.brokenKeys }
}

type Plain = Omit<Copied, 'brokenKeys'>

/**
 * By SQLite's online backup. The transaction around it keeps it at one moment; without it, each write of somebody else would have it begin anew
 * (https://www.sqlite.org/c3ref/backup_finish.html).
 */
async function copyOnline(sqlite: SqliteConnection, file: string, { signal }: Operation): Promise<Plain> {
  const read = readOf(sqlite)
  await sqlite.exec('BEGIN')
  try {
    const catalog = await readCatalog(read, 'sqlite')
    await nativeBackup(sqlite, file, signal)
    const tables = await sqliteContents(read, catalog)
    return { tool: `online backup of ${await toolOf(sqlite)}`, catalog, tables, journalMode: await journalMode(sqlite) }
  } finally {
    await sqlite.exec('ROLLBACK')
  }
}

/** A database in memory is this one connection: nobody else can write to it meanwhile. */
async function vacuumInto(sqlite: SqliteConnection, file: string): Promise<Plain> {
  const read = readOf(sqlite)
  await sqlite.exec(`VACUUM INTO ${quoteText(file)}`)
  const catalog = await readCatalog(read, 'sqlite')
  const tables = await sqliteContents(read, catalog)
  return { tool: `VACUUM INTO of ${await toolOf(sqlite)}`, catalog, tables, journalMode: 'delete' }
}

async function toolOf(sqlite: SqliteConnection): Promise<string> {
  const row = await sqlite.get('SELECT sqlite_version()')
  return `SQLite ${String(row?.[0])} (${sqlite.driver})`
}

async function journalMode(sqlite: SqliteConnection): Promise<string> {
  const { rows } = await sqlite.objects('PRAGMA journal_mode')
  return String(rows[0]?.journal_mode ?? 'delete')
}

/** The part of better-sqlite3's `Database` that the adapter has no words for. */
interface BetterBackup {
  backup(file: string, options: { readonly progress: () => number }): Promise<unknown>
}

interface NpmBackup {
  readonly completed: boolean
  readonly failed: boolean
  step(pages: number, done: (error: Error | null) => void): void
  finish(done: (error: Error | null) => void): void
}

async function nativeBackup({ native, name }: SqliteConnection, file: string, signal: AbortSignal): Promise<void> {
  if (native.driver === 'better-sqlite3') {
    const database = native.database as unknown as BetterBackup
    const progress = (): number => {
      signal.throwIfAborted()
      return pagesPerStep
    }
    await database.backup(file, { progress })
    return
  }
  const database = native.database as unknown as {
    backup(file: string, done: (error: Error | null) => void): NpmBackup
  }
  const backup = await new Promise<NpmBackup>((resolve, reject) => {
    const begun = database.backup(file, (error) => (error ? reject(error) : resolve(begun)))
  })
  try {
    while (!backup.completed) {
      signal.throwIfAborted()
      await new Promise<void>((resolve, reject) => {
        backup.step(pagesPerStep, (error) => (error ? reject(error) : resolve()))
      })
      if (backup.failed) throw new DroverError('STORE_UNAVAILABLE', `SQLite broke off the backup of ${name}.`)
    }
  } finally {
    if (!backup.completed) await new Promise<void>((resolve) => backup.finish(() => resolve()))
  }
}
