import { type FileHandle, open } from 'node:fs/promises'
import type { PostgresConnection } from '@drover/adapter-postgres'
import { DroverError } from '@drover/core'
import { catalogSql } from '../catalog/catalog-sql.js'
import type { Read } from '../catalog/read-catalog.js'
import type { Catalog } from '../contracts/catalog.js'
import { quoteTable, quoteText } from '../sql/quote.js'
import type { SequenceValue, TableContents } from './backup-manifest.js'
import { privateFile } from './durable-file.js'
import { columnsOf, copyRows, readSequences } from './postgres-contents.js'
import { rightsSql } from './rights-sql.js'

/**
 * Writes a database into a file as pg_dump would in plain format, so that psql reads it too.
 *
 * @throws `BACKUP_INVALID`, naming everything that it could not carry
 */
export async function dumpPostgres(
  postgres: PostgresConnection,
  read: Read,
  catalog: Catalog,
  file: string,
): Promise<{ readonly tables: readonly TableContents[]; readonly sequences: readonly SequenceValue[] }> {
  const { beforeRows, behindRows, missing } = catalogSql(catalog)
  const [objects] = await read('SELECT count(*) AS n FROM pg_catalog.pg_largeobject_metadata')
  const lost = missing.map(({ kind, name }) => `${kind} ${name}`)
  if (Number(objects?.n) > 0) lost.push(`${Number(objects?.n)} large objects`)
  if (lost.length > 0) {
    throw new DroverError(
      'BACKUP_INVALID',
      `${postgres.name} has what only pg_dump can back up: ${lost.join(', ')}. Nothing was kept. Install a pg_dump that is not older than the server, and give the database by its URL.`,
    )
  }
  // What is read below is what the catalog says; nobody changes it meanwhile.
  if (catalog.tables.length > 0)
    await postgres.exec(
      `LOCK TABLE ${catalog.tables.map(({ name }) => quoteTable(name)).join(', ')} IN ACCESS SHARE MODE`,
    )
  const handle = await open(file, 'wx', privateFile)
  try {
    await write(handle, [
      '-- PostgreSQL database dump\n',
      statements([
        "SET client_encoding = 'UTF8'",
        "SELECT pg_catalog.set_config('search_path', '', false)",
        ...beforeRows,
      ]),
    ])
    const tables: TableContents[] = []
    for (const table of catalog.tables) {
      const columns = columnsOf(table)
      await write(handle, [`\nCOPY ${quoteTable(table.name)} ${columns === '' ? '' : `(${columns})`} FROM stdin;\n`])
      tables.push(await copyRows(postgres, table, (rows) => write(handle, rows)))
      await write(handle, ['\\.\n'])
    }
    const sequences = await readSequences(read, catalog)
    const values = sequences.map(
      ({ name, value, isCalled }) =>
        `SELECT pg_catalog.setval(${quoteText(quoteTable(name))}, ${value}, ${String(isCalled)})`,
    )
    const rights = (await read(rightsSql)).map(({ sql }) => String(sql))
    await write(handle, [statements([...values, ...behindRows, ...rights]), '\n-- PostgreSQL database dump complete\n'])
    return { tables, sequences }
  } finally {
    await handle.close()
  }
}

function statements(all: readonly string[]): string {
  return all.map((sql) => `\n${sql.replace(/;\s*$/, '')};\n`).join('')
}

async function write(handle: FileHandle, parts: readonly (string | Uint8Array)[]): Promise<void> {
  await handle.writeFile(Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part))))
}
