import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LogicalType, Page, ReadOptions, RecordSchema, Row, Source, SourceSession } from '@drover/core'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'

let connection: Promise<DuckDBConnection> | undefined

/** One DuckDB for the tests of a file; it has no tables but those a test makes. */
export function duckdb(): Promise<DuckDBConnection> {
  connection ??= DuckDBInstance.create(':memory:', { threads: '1' }).then((instance) => instance.connect())
  return connection
}

/** Writes what a query gives, with options of DuckDB's COPY. */
export async function copyTo(path: string, query: string, options = ''): Promise<string> {
  const db = await duckdb()
  await db.run(`COPY (${query}) TO '${path}' (FORMAT parquet${options === '' ? '' : `, ${options}`})`)
  return path
}

export function tempFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'drover-parquet-'))
}

const signal = new AbortController().signal
export const whole = { id: 'all', bounds: null }

export async function pagesOf(source: Source, options: Partial<ReadOptions> = {}): Promise<Page[]> {
  return await inSession(source, async (session) => {
    const pages: Page[] = []
    const read = { signal, partition: whole, after: null, page: { records: 1000, bytes: 1e9 }, ...options }
    for await (const page of session.read(read)) pages.push(page)
    return pages
  })
}

export async function rowsOf(source: Source, options: Partial<ReadOptions> = {}): Promise<Row[]> {
  return (await pagesOf(source, options)).flatMap((page) => page.rows())
}

export async function inSession<T>(source: Source, work: (session: SourceSession) => Promise<T>): Promise<T> {
  await using session = await source.connect({ signal })
  return await work(session)
}

export function schemaOf(source: Source): Promise<RecordSchema> {
  return inSession(source, (session) => session.describe({ signal }))
}

/** Text as SQL writes it. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

let tables = 0

/** Writes records of a schema into a file, exactly. */
export async function writeRecords(
  path: string,
  { fields }: RecordSchema,
  rows: readonly Row[],
  options = '',
): Promise<void> {
  const db = await duckdb()
  const table = `seed${++tables}`
  await db.run(`CREATE TABLE ${table} (${fields.map(({ name }) => `"${name}" VARCHAR`).join(', ')})`)
  const appender = await db.createAppender(table)
  for (const row of rows) {
    for (const { name, type } of fields) {
      const text = asText(row[name], type)
      if (text === null) appender.appendNull()
      else appender.appendVarchar(text)
    }
    appender.endRow()
  }
  appender.closeSync()
  const columns = fields.map(({ name, type }) => `${casted(`"${name}"`, type)} AS "${name}"`)
  await copyTo(path, `SELECT ${columns.join(', ')} FROM ${table}`, options)
  await db.run(`DROP TABLE ${table}`)
}

function asText(value: unknown, { kind }: LogicalType): string | null {
  if (value === null || value === undefined) return null
  if (kind === 'json') return JSON.stringify(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (value instanceof Float32Array) return `[${Array.from(value).join(',')}]`
  if (Object.is(value, -0)) return '-0.0'
  return String(value)
}

function casted(column: string, type: LogicalType): string {
  switch (type.kind) {
    case 'bytes':
      return `unhex(${column})`
    case 'int':
      return `${column}::${({ 8: 'TINYINT', 16: 'SMALLINT', 32: 'INTEGER', 64: 'BIGINT' } as const)[type.bits]}`
    case 'decimal':
      return `${column}::DECIMAL(${type.precision}, ${type.scale})`
    case 'float':
      return `${column}::${type.bits === 32 ? 'FLOAT' : 'DOUBLE'}`
    case 'timestamp': {
      const unit = type.digits === 3 ? 'TIMESTAMP_MS' : 'TIMESTAMP'
      return type.zone ? `${column}::TIMESTAMPTZ` : `${column}::${unit}`
    }
    case 'vector':
      return `${column}::FLOAT[]`
    case 'text':
      return column
    default:
      return `${column}::${type.kind.toUpperCase()}`
  }
}
