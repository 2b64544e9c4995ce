import { DroverError, type Operation } from '@drover/core'
import { type Read, readCatalog } from '../catalog/read-catalog.js'
import type { Catalog } from '../contracts/catalog.js'
import type { SchemaConnection } from '../contracts/database.js'
import type { SequenceValue, TableContents } from './backup-manifest.js'
import { dumpPostgres } from './dump-postgres.js'
import { syncFile } from './durable-file.js'
import { postgresOf } from './native.js'
import { pgDumpVersion, runPgDump } from './pg-dump.js'
import { postgresContents, rowsAsText } from './postgres-contents.js'
import { problemsOf, readDump } from './read-dump.js'

/** What makes a backup of PostgreSQL. */
export type BackupTool = 'pg_dump' | 'drover'

/** What a dump was made of, and by what. */
export interface Dumped {
  readonly tool: string
  readonly catalog: Catalog
  readonly tables: readonly TableContents[]
  readonly sequences: readonly SequenceValue[]
}

/**
 * Writes a database into a file of SQL, as it is at one moment.
 *
 * @param url For pg_dump. @param asked @default pg_dump where there is one that is not older than the server, else our own
 * @throws `BACKUP_INVALID`, `OPTION_INVALID`
 */
export async function dumpDatabase(
  connection: SchemaConnection,
  file: string,
  { url, asked }: { readonly url: string | null; readonly asked: BackupTool | undefined },
  operation: Operation,
): Promise<Dumped> {
  const tool = await choose(asked, url, connection)
  const postgres = postgresOf(connection)
  await postgres.begin({ isolation: 'repeatable read', readonly: true, statementTimeoutMs: 0, settings: rowsAsText })
  try {
    const read: Read = async (sql, values) => (await postgres.query(sql, values)).rows
    const catalog = await readCatalog(read, 'postgres')
    if (tool.kind === 'drover') {
      const { tables, sequences } = await dumpPostgres(postgres, read, catalog, file)
      return await checked({ tool: 'drover', catalog, tables, sequences }, file)
    }
    const [exported] = await read('SELECT pg_catalog.pg_export_snapshot() AS snapshot')
    const dumping = runPgDump(
      { url: tool.url, file, snapshot: String(exported?.snapshot), name: connection.name },
      operation,
    )
    const [, tables] = await allOf(dumping, postgresContents(postgres, catalog))
    // Sequences belong to no snapshot: what they were when they were written down is what comes back.
    const { sequences } = await readDump(file)
    return await checked({ tool: `pg_dump ${tool.version}`, catalog, tables, sequences }, file)
  } finally {
    await postgres.rollback()
  }
}

/** Both are at their end before anything else is done. */
async function allOf<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  const ended = await Promise.allSettled([a, b])
  const failed = ended.find((each) => each.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return [await a, await b]
}

/** Reads the file again, and compares it with what was in the database. */
async function checked(dumped: Dumped, file: string): Promise<Dumped> {
  await syncFile(file)
  const problems = problemsOf(await readDump(file), dumped)
  if (problems.length === 0) return dumped
  throw new DroverError(
    'BACKUP_INVALID',
    `What ${dumped.tool} wrote is not what is in the database: ${problems.join('; ')}. Nothing was kept.`,
  )
}

type Tool = { readonly kind: 'drover' } | { readonly kind: 'pg_dump'; readonly url: string; readonly version: number }

async function choose(
  asked: BackupTool | undefined,
  url: string | null,
  { version, name }: SchemaConnection,
): Promise<Tool> {
  if (asked === 'drover') return { kind: 'drover' }
  const server = Math.floor(version / 10_000)
  const found = await pgDumpVersion()
  if (url !== null && found !== null && found >= server) return { kind: 'pg_dump', url, version: found }
  if (asked === undefined) return { kind: 'drover' }
  const why =
    url === null
      ? 'the connection was given as a pool or an instance, of which it has no URL'
      : found === null
        ? 'there is none on PATH'
        : `it is of version ${found}, and ${name} of ${server}`
  throw new DroverError('OPTION_INVALID', `backup: pg_dump cannot be used: ${why}. Leave the option tool out.`)
}
