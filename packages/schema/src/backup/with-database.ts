import { existsSync } from 'node:fs'
import { DroverError } from '@drover/core'
import type { SchemaDatabase } from '../contracts/database.js'
import type { SchemaLocation } from '../contracts/migrator.js'
import { openDatabase } from '../database/open-database.js'

/** Works on a database that is open already, or opens it for the time of the work. */
export async function withDatabase<T>(
  given: SchemaLocation | SchemaDatabase | undefined,
  where: string,
  work: (database: SchemaDatabase) => Promise<T>,
  { mayCreate = false }: { readonly mayCreate?: boolean } = {},
): Promise<T> {
  if (isDatabase(given)) return work(given)
  await using database = await openDatabase(given, { where })
  const { path, name } = database
  if (!mayCreate && path !== null && !existsSync(path)) {
    throw new DroverError('SOURCE_NOT_FOUND', `${where}: there is no file "${name}" (${path}).`)
  }
  return await work(database)
}

function isDatabase(given: unknown): given is SchemaDatabase {
  return typeof given === 'object' && given !== null && 'toBackfill' in given && 'connect' in given
}
