import { DroverError, type Operation, type Row, type Source } from '@drover/core'
import { adapterOf } from '../../base/adapters.js'
import { readAll } from '../../base/read-all.js'
import type { LayoutFinding, LayoutOptions } from '../layout.js'

/** Tables that are looked for where none is named, the first one before the second. */
export const historyTables = ['chat_message_history', 'message_store'] as const

/** A table of messages: what it is called, and its columns with the types that the store declares. */
export interface HistoryTable {
  /** As the adapters take it. */
  readonly name: string
  /** By name; in lower case. */
  readonly columns: ReadonlyMap<string, string>
}

/** Columns that a history of LangChain always has. */
const needed = ['id', 'session_id', 'message']

/**
 * The table of messages that is meant.
 *
 * @throws `SOURCE_NOT_FOUND` with what was looked for; `OPTION_INVALID` if there are two; `SOURCE_INVALID` if it is no history.
 */
export async function historyTable(where: string, options: LayoutOptions, operation: Operation): Promise<HistoryTable> {
  const found = await findTables(options, operation)
  const [only, other] = found
  if (only === undefined) {
    const sought =
      options.table === undefined ? historyTables.map((name) => `"${name}"`).join(' or ') : `"${options.table}"`
    throw new DroverError(
      'SOURCE_NOT_FOUND',
      `${where}: there is no table ${sought}${inSchema(options)}. Name the table with messages with the option table.`,
    )
  }
  if (other !== undefined) {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: there are the tables ${found.map(({ name }) => `"${name}"`).join(' and ')}. Say which one is meant with the option table.`,
    )
  }
  const problem = problemOf(only)
  if (problem !== undefined) throw new DroverError('SOURCE_INVALID', `${where}: table "${only.name}" ${problem}.`)
  return only
}

/** Tables of messages for the detection: under the names that they have by default, or the one that is named. */
export async function findHistories(options: LayoutOptions, operation: Operation): Promise<readonly LayoutFinding[]> {
  const { type } = options.place
  const layout = type === 'postgres' ? 'langchain-postgres' : 'langchain-sqlite'
  return (await findTables(options, operation)).flatMap((table): readonly LayoutFinding[] => {
    const problem = problemOf(table)
    const finding: LayoutFinding = { layout, where: `table "${table.name}"`, options: { table: table.name } }
    return [problem === undefined ? finding : { ...finding, problem: `it ${problem}` }]
  })
}

/** Those of the tables that are there, whatever their columns are. */
export async function findTables(options: LayoutOptions, operation: Operation): Promise<readonly HistoryTable[]> {
  const names: readonly string[] = options.table === undefined ? historyTables : [options.table]
  const columns = await readAll(await columnsSource(options, names), operation)
  const tables = new Map<string, Map<string, string>>()
  for (const { table, name, type } of columns as { table: string; name: string; type: string }[]) {
    const own = tables.get(table) ?? new Map<string, string>()
    tables.set(table, own.set(name.toLowerCase(), type.toLowerCase()))
  }
  return [...tables].map(([name, own]) => ({ name, columns: own }))
}

function problemOf({ columns }: HistoryTable): string | undefined {
  const missing = needed.filter((name) => !columns.has(name))
  if (missing.length > 0) {
    const list = missing.map((name) => `"${name}"`).join(', ')
    return `has no column ${list}, so it is no history of LangChain as this version knows it: make a view with id, session_id and message of it, and name that one`
  }
  return undefined
}

async function columnsSource({ place, schema }: LayoutOptions, names: readonly string[]): Promise<Source<Row>> {
  switch (place.type) {
    case 'postgres':
      return (await adapterOf('postgres')).postgresSource({
        connection: place.connection as string,
        query: postgresColumns(schema, names),
        key: ['table', 'place'],
        name: 'columns',
      })
    case 'sqlite':
      return (await adapterOf('sqlite')).sqliteSource({
        filename: place.filename,
        query: `SELECT m.name AS "table", c.cid AS place, c.name AS name, c.type AS type
          FROM sqlite_master AS m, pragma_table_info(m.name) AS c
          WHERE m.type IN ('table', 'view') AND m.name COLLATE NOCASE IN (${names.map(sqlText).join(', ')})`,
        key: ['table', 'place'],
        name: 'columns',
      })
    default:
      throw new DroverError('OPTION_INVALID', `A table of messages lies in PostgreSQL or SQLite, not in ${place.type}.`)
  }
}

/** A name may come with its schema in front, as the adapter takes it. */
function postgresColumns(schema: string | undefined, names: readonly string[]): string {
  const wanted = names.map((name) => {
    const dot = schema === undefined ? name.lastIndexOf('.') : -1
    const [space, table] = dot < 0 ? [schema, name] : [name.slice(0, dot), name.slice(dot + 1)]
    const isThere = space === undefined ? 'pg_catalog.pg_table_is_visible(c.oid)' : `n.nspname = ${sqlText(space)}`
    return `(c.relname = ${sqlText(table)} AND ${isThere})`
  })
  const isQualified = schema !== undefined || names.some((name) => name.includes('.'))
  return `SELECT ${isQualified ? "n.nspname || '.' || c.relname" : 'c.relname::text'} AS "table", a.attnum::int AS place,
      a.attname::text AS name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND (${wanted.join(' OR ')})`
}

function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

function inSchema({ schema }: LayoutOptions): string {
  return schema === undefined ? '' : ` in schema "${schema}"`
}
