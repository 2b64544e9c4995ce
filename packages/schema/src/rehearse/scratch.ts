import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DroverError, type Operation } from '@drover/core'
import type { Dialect } from '../contracts/migration.js'
import type { SchemaLocation } from '../contracts/migrator.js'
import { openDatabase } from '../database/open-database.js'
import { quoteName } from '../sql/quote.js'

/** A database for one rehearsal, which is gone behind it. */
export interface Scratch extends AsyncDisposable {
  /** A path or a URL. */
  readonly location: string
}

/** @param server PostgreSQL: a database of the server where it is made. */
export async function makeScratch(
  dialect: Dialect,
  server: SchemaLocation | undefined,
  operation: Operation,
): Promise<Scratch> {
  return dialect === 'sqlite' ? await scratchFile() : await scratchDatabase(server, operation)
}

async function scratchFile(): Promise<Scratch> {
  const folder = await mkdtemp(join(tmpdir(), 'drover-rehearsal-'))
  return {
    location: join(folder, 'rehearsal.db'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

async function scratchDatabase(server: SchemaLocation | undefined, operation: Operation): Promise<Scratch> {
  const given = server ?? process.env.DATABASE_URL
  await using database = await openDatabase(given, { where: 'rehearse' })
  const url = database.url ?? (typeof given === 'string' ? given : null)
  if (url === null || database.dialect !== 'postgres') {
    throw new DroverError(
      'OPTION_INVALID',
      'rehearse: connection is the URL of a PostgreSQL server, on which a database for the rehearsal can be made.',
    )
  }
  const name = `drover_rehearsal_${randomBytes(6).toString('hex')}`
  await using connection = await database.connect(operation)
  await connection.exec(`CREATE DATABASE ${quoteName(name)} TEMPLATE template0`)
  const address = new URL(url)
  address.pathname = `/${name}`
  return {
    location: address.href,
    async [Symbol.asyncDispose]() {
      await using again = await openDatabase(given, { where: 'rehearse' })
      // The operation may have been given up; its database must not stay.
      await using dropping = await again.connect({ signal: new AbortController().signal })
      await dropping.exec(`DROP DATABASE IF EXISTS ${quoteName(name)} WITH (FORCE)`)
    },
  }
}
