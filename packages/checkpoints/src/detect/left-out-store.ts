import { type ConnectOperation, DroverError, type Operation, type Warning } from '@drover/core'
import { placeName } from '../base/place-name.js'
import type { LayoutOptions } from '../layouts/layout.js'
import { RedisReader } from '../layouts/redis/redis-reader.js'
import { isObject } from '../layouts/redis/stored-document.js'
import { askPostgres, askSqlite } from '../layouts/sql/ask.js'
import type { Ask } from '../layouts/sql/inspect-postgres.js'
import { tableSql } from '../layouts/sql/postgres-query.js'

/** Rows that are counted: a warning takes no minutes. */
const mostCounted = 100_000

/** What LangGraph's stores call their tables; Python's have a `prefix`, JavaScript's a `namespace_path`. */
const tables = ['store', 'store_vectors'] as const

/**
 * Says what of LangGraph lies beside the checkpoints and is not read: the memory that threads share (`BaseStore`), which is no part of any
 * checkpoint. Who moves checkpoints would miss it.
 */
export async function warnOfLeftOutStore(options: LayoutOptions, operation: ConnectOperation): Promise<void> {
  const { warn } = operation
  if (warn === undefined) return
  try {
    const found = await foundIn(options, operation)
    if (found.length > 0) warn(warningOf(options, found))
  } catch (error) {
    if (operation.signal.aborted || !DroverError.isInstance(error)) throw error
    const message = `${placeName(options.place)}: whether there is a store of LangGraph (BaseStore) beside the checkpoints could not be looked at, and it would not be read: ${error.message}`
    warn({ code: codeOf(options), message })
  }
}

async function foundIn(options: LayoutOptions, operation: Operation): Promise<readonly string[]> {
  const { place, schema } = options
  switch (place.type) {
    case 'postgres':
      return inPostgres(askPostgres(place.connection, operation), schema)
    case 'sqlite':
      return inSqlite(askSqlite(place.filename, operation))
    case 'redis':
      return inRedis(options, operation)
    default:
      return []
  }
}

async function inPostgres(ask: Ask, schema: string | undefined): Promise<readonly string[]> {
  const names = tables.map((name) => `('${name}', '${tableSql(schema, name).replaceAll("'", "''")}')`).join(', ')
  const columns = await ask(
    `SELECT t.name, a.attname::text FROM (VALUES ${names}) AS t(name, sql)
     JOIN pg_catalog.pg_attribute AS a ON a.attrelid = pg_catalog.to_regclass(t.sql) AND a.attnum > 0 AND NOT a.attisdropped`,
  )
  return counted(ask, storesAmong(columns), (name) => tableSql(schema, name))
}

async function inSqlite(ask: Ask): Promise<readonly string[]> {
  const names = tables.map((name) => `'${name}'`).join(', ')
  const columns = await ask(
    `SELECT m.name AS "table", p.name AS "column" FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS p
     WHERE m.type = 'table' AND m.name IN (${names})`,
  )
  return counted(ask, storesAmong(columns), (name) => `"${name}"`)
}

/** A table of that name may be a shop's: the library's has these columns. */
function storesAmong(columns: readonly (readonly unknown[])[]): readonly string[] {
  return tables.filter((table) => {
    const own = new Set(columns.filter(([name]) => name === table).map(([, column]) => String(column)))
    const isOfStore = own.has('key') && (own.has('prefix') || own.has('namespace_path'))
    return isOfStore && own.has(table === 'store' ? 'value' : 'embedding')
  })
}

async function counted(
  ask: Ask,
  names: readonly string[],
  sqlOf: (name: string) => string,
): Promise<readonly string[]> {
  const found: string[] = []
  for (const name of names) {
    const [row] = await ask(
      `SELECT count(*) AS n FROM (SELECT 1 AS one FROM ${sqlOf(name)} LIMIT ${mostCounted + 1}) AS s`,
    )
    const count = Number(row?.[0] ?? 0)
    if (count > 0) found.push(`table "${name}" with ${count > mostCounted ? `more than ${mostCounted}` : count} rows`)
  }
  return found
}

/** `store:<ULID>`, and its vectors in `store_vectors:<ULID>`. Other applications may call keys so as well. */
async function inRedis(options: LayoutOptions, operation: Operation): Promise<readonly string[]> {
  await using reader = await RedisReader.open('langgraph-redis', options, 'json', operation)
  return storeKeys(reader, operation)
}

export async function storeKeys(reader: RedisReader, operation: Operation): Promise<readonly string[]> {
  const found: string[] = []
  for (const prefix of ['store:', 'store_vectors:']) {
    const keys = await reader.keys(prefix, 'document', operation)
    const documents = await reader.documents(keys.slice(0, 64), operation)
    if (documents.some(isOfStore)) found.push(`${keys.length} documents "${prefix}*"`)
  }
  return found
}

function isOfStore(text: string | null): boolean {
  const document: unknown = text === null ? null : JSON.parse(text)
  return isObject(document) && 'prefix' in document && 'key' in document
}

function warningOf(options: LayoutOptions, found: readonly string[]): Warning {
  const message = `${placeName(options.place)}: the memory that threads share (LangGraph's BaseStore) is no part of the checkpoints and is not read: ${found.join(', ')}. Move it by itself: tables with the sources and sinks of their database, or through the library.`
  return { code: codeOf(options), message }
}

function codeOf({ place }: LayoutOptions): Warning['code'] {
  return place.type === 'redis' ? 'KEYS_LEFT_OUT' : 'TABLES'
}
