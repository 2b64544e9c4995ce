import { access, constants, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DroverError } from '@drover/core'
import { checkFile, databaseLocation } from '../connection/database-location.js'
import { locationName, openSqlite } from '../connection/open-sqlite.js'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import type { WriterLocation } from '../writer/open-writer.js'

/** A connection to write with, through which no byte of any file changes as long as nothing is committed. */
export interface UnchangedDatabase extends AsyncDisposable {
  readonly connection: SqliteConnection
  /** As the user named it. */
  readonly name: string
  /** It is not there: the connection is to an empty one in memory. */
  readonly isNew: boolean
}

/** @throws what `openWriter` throws; `STORE_DENIED` also if the file could not be created */
export async function openUnchanged(location: WriterLocation, create: boolean): Promise<UnchangedDatabase> {
  const { synchronous: _, ...where } = location
  const name = locationName(where)
  const file = await fileOf(where, create)
  if (file === 'new') {
    const { filename: _, ...rest } = where
    const connection = await openSqlite({ ...rest, filename: ':memory:' })
    return { connection, name, isNew: true, [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose]() }
  }
  // Whoever closes a database in WAL mode last writes its log into it, unless all that he may do is read.
  const keeper =
    file !== null && (await sizeOf(`${file}-wal`)) > 0 ? await openSqlite({ ...where, readonly: true }) : null
  try {
    const connection = await openSqlite({ ...where, create: false })
    const close = async (): Promise<void> => {
      try {
        await connection[Symbol.asyncDispose]()
      } finally {
        await keeper?.[Symbol.asyncDispose]()
      }
    }
    try {
      await keepInMemory(connection)
      return { connection, name, isNew: false, [Symbol.asyncDispose]: close }
    } catch (error) {
      await close()
      throw error
    }
  } catch (error) {
    await keeper?.[Symbol.asyncDispose]()
    throw error
  }
}

/** Null for one in memory. */
async function fileOf(location: WriterLocation, create: boolean): Promise<string | 'new' | null> {
  if (location.filename === undefined) return null
  const where = databaseLocation(location.filename, 'openUnchanged')
  if (where.path === null) return null
  await checkFile(where, create && where.mayCreate)
  if ((await sizeOf(where.path)) > 0) return where.path
  await access(dirname(where.path), constants.W_OK).catch((cause: unknown) => {
    throw new DroverError(
      'STORE_DENIED',
      `"${where.name}" may not be created by this user: check the rights of its folder.`,
      {
        cause,
      },
    )
  })
  return 'new'
}

/** What is not committed stays in the cache, and what would be rolled back is noted in memory alone. */
async function keepInMemory(connection: SqliteConnection): Promise<void> {
  if (connection.path === null) return
  await connection.exec('PRAGMA cache_spill = OFF')
  const [mode] = (await connection.get('SELECT journal_mode FROM pragma_journal_mode')) as [string]
  if (mode !== 'wal') await connection.exec('PRAGMA journal_mode = MEMORY')
}

/** 0 if it is not there. */
async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => null))?.size ?? 0
}
