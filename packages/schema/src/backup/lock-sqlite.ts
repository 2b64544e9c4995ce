import { existsSync } from 'node:fs'
import type { SqliteConnection } from '@drover/adapter-sqlite'
import { DroverError } from '@drover/core'
import { loadAdapter } from '../database/load-adapter.js'
import { openFiles, usersSaid } from './open-files.js'

/** A database that nobody else has open. */
export interface Locked {
  /** SQLite cannot read it any more, so it could not be locked either. */
  readonly isDamaged: boolean
  readonly notes: readonly string[]
  /** @param isReplaced Else the database gets its journal mode back. */
  release(isReplaced: boolean): Promise<void>
}

/** How long others may take to end, in milliseconds. */
const patienceMs = 2000

/**
 * Takes a database for itself: everything of its write-ahead log is in it then, and the log is gone. Null if there is no such file.
 *
 * @throws `STORE_BUSY`, with who has it open as far as the system says
 */
export async function lockSqlite(path: string, name: string): Promise<Locked | null> {
  if (!existsSync(path)) return null
  // Connections without a write-ahead log hold no lock while they are idle; that they are there, Linux knows.
  const idle = await openFiles(path)
  if (idle.length > 0) throw inUse(name, usersSaid(idle))
  const { openSqlite } = await loadAdapter('sqlite')
  let sqlite: SqliteConnection
  try {
    sqlite = await openSqlite({ filename: path, create: false, busyTimeoutMs: patienceMs })
  } catch (error) {
    return damagedOr(error, name)
  }
  try {
    const { rows: before } = await sqlite.objects('PRAGMA journal_mode')
    const wasWal = before[0]?.journal_mode === 'wal'
    // Leaving the write-ahead log needs everybody else to be gone, and removes it.
    await sqlite.exec('PRAGMA journal_mode = DELETE')
    await sqlite.exec('BEGIN EXCLUSIVE')
    const { rows } = await sqlite.objects('PRAGMA journal_mode')
    const others = (await openFiles(path)).filter(({ pid }) => pid !== process.pid)
    // Whoever came in between.
    if (others.length > 0 || rows[0]?.journal_mode !== 'delete')
      throw new DroverError('STORE_BUSY', `"${name}" was opened by somebody else.`)
    return { isDamaged: false, notes: [], release: (isReplaced) => release(sqlite, !isReplaced && wasWal) }
  } catch (error) {
    await sqlite[Symbol.asyncDispose]()
    if (DroverError.isInstance(error, 'STORE_BUSY')) throw inUse(name, usersSaid(await openFiles(path)), error)
    return damagedOr(error, name)
  }
}

async function release(sqlite: SqliteConnection, toWal: boolean): Promise<void> {
  try {
    await sqlite.exec('ROLLBACK')
    if (toWal) await sqlite.exec('PRAGMA journal_mode = WAL')
  } finally {
    await sqlite[Symbol.asyncDispose]()
  }
}

function damagedOr(error: unknown, name: string): Locked {
  if (!DroverError.isInstance(error, 'SOURCE_INVALID')) throw error
  const said = `${name} could not be read any more (${error.message}), so it could not be locked; nobody had it open.`
  return { isDamaged: true, notes: [said], release: async () => {} }
}

function inUse(name: string, who: string, cause?: unknown): DroverError {
  return new DroverError(
    'STORE_BUSY',
    `${name} is in use${who === '' ? '' : ` by ${who}`}, and is as before. Stop whatever uses it, and call again.`,
    cause === undefined ? {} : { cause },
  )
}
