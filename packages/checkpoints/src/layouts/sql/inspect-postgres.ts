import type { LayoutFinding } from '../layout.js'
import { tableSql } from './postgres-query.js'
import { lastMigrations, type PostgresLayoutName, postgresColumns, postgresTables } from './postgres-tables.js'

/** Asks a database something: rows as lists of values. */
export type Ask = (sql: string) => Promise<readonly (readonly unknown[])[]>

/** What stands in a PostgreSQL database that looks like LangGraph's. */
export interface PostgresSights {
  readonly findings: readonly LayoutFinding[]
  /** Those of the tables that are there. */
  readonly tables: readonly string[]
  readonly hasTaskPath: boolean
}

/** How many rows are looked at to tell whose they are. */
const sampled = 500

/**
 * Looks for the tables of LangGraph's savers in PostgreSQL, and at what wrote into them.
 *
 * @param wanted Whose they are taken for where nothing is in them that would say.
 */
export async function inspectPostgres(
  ask: Ask,
  schema: string | undefined,
  wanted?: PostgresLayoutName,
): Promise<PostgresSights> {
  const columns = await columnsOf(ask, schema)
  const tables = [...columns.keys()]
  const has = (table: string, column: string): boolean => columns.get(table)?.has(column) === true
  const hasTaskPath = has('checkpoint_writes', 'task_path')
  const isLanggraph = ['thread_id', 'checkpoint_ns', 'checkpoint', 'metadata'].every((name) => has('checkpoints', name))
  if (!isLanggraph) return { findings: [], tables, hasTaskPath }
  const version = columns.has('checkpoint_migrations') ? await migrationOf(ask, schema) : null
  const isShallow = !has('checkpoints', 'checkpoint_id')
  const isComplete = columns.has('checkpoint_blobs') && columns.has('checkpoint_writes')
  const languages = isShallow || !isComplete ? [] : await languagesOf(ask, schema)
  const layouts = layoutsOf({ isShallow, languages, version, hasTaskPath, wanted })
  const where = `the tables checkpoints, checkpoint_blobs and checkpoint_writes${schema === undefined ? '' : ` of the schema "${schema}"`}`
  const findings = layouts.map((layout): LayoutFinding => {
    const problem = problemOf(layout, columns, version, hasTaskPath)
    return { layout, where, ...(schema === undefined ? {} : { options: { schema } }), ...(problem && { problem }) }
  })
  return { findings, tables, hasTaskPath }
}

async function columnsOf(ask: Ask, schema: string | undefined): Promise<Map<string, ReadonlySet<string>>> {
  const names = postgresTables.map((name) => `(${text(name)}, ${text(tableSql(schema, name))})`).join(', ')
  const rows = await ask(
    `SELECT t.name AS "table", a.attname::text AS "column" FROM (VALUES ${names}) AS t(name, sql)
     JOIN pg_catalog.pg_attribute AS a ON a.attrelid = pg_catalog.to_regclass(t.sql) AND a.attnum > 0 AND NOT a.attisdropped`,
  )
  const columns = new Map<string, Set<string>>()
  for (const [table, column] of rows) {
    const known = columns.get(String(table)) ?? new Set()
    columns.set(String(table), known.add(String(column)))
  }
  return columns
}

async function migrationOf(ask: Ask, schema: string | undefined): Promise<number | null> {
  const [row] = await ask(`SELECT max(v) AS version FROM ${tableSql(schema, 'checkpoint_migrations')}`)
  return row?.[0] == null ? null : Number(row[0])
}

/** The libraries that the rows are of: both keep the same tables. */
async function languagesOf(ask: Ask, schema: string | undefined): Promise<readonly ('python' | 'js')[]> {
  const kinds = await ask(
    `SELECT DISTINCT kind FROM (
      (SELECT 'type ' || type AS kind FROM ${tableSql(schema, 'checkpoint_blobs')} LIMIT ${sampled})
      UNION ALL (SELECT 'type ' || type FROM ${tableSql(schema, 'checkpoint_writes')} LIMIT ${sampled})
      UNION ALL (SELECT 'version ' || jsonb_typeof(v.value) FROM (SELECT checkpoint FROM ${tableSql(schema, 'checkpoints')} LIMIT ${sampled}) AS c,
        jsonb_each(CASE WHEN jsonb_typeof(c.checkpoint -> 'channel_versions') = 'object' THEN c.checkpoint -> 'channel_versions' END) AS v)
    ) AS k WHERE kind IS NOT NULL`,
  )
  const seen = kinds.map(([kind]) => String(kind))
  const ofBoth = ['type json', 'type empty', 'type bytes']
  const isPython = seen.some(
    (kind) => kind === 'version string' || (kind.startsWith('type ') && !ofBoth.includes(kind)),
  )
  const isJs = seen.includes('version number') && (seen.includes('type json') || !isPython)
  return [...(isPython ? (['python'] as const) : []), ...(isJs ? (['js'] as const) : [])]
}

function layoutsOf(seen: {
  readonly isShallow: boolean
  readonly languages: readonly ('python' | 'js')[]
  readonly version: number | null
  readonly hasTaskPath: boolean
  readonly wanted: PostgresLayoutName | undefined
}): readonly PostgresLayoutName[] {
  if (seen.isShallow) return ['langgraph-postgres-shallow']
  const names = { python: 'langgraph-postgres', js: 'langgraph-js-postgres' } as const
  if (seen.languages.length > 0) return seen.languages.map((language) => names[language])
  // Nothing is in them yet: whose setup() was it?
  if (seen.wanted !== undefined && seen.wanted !== 'langgraph-postgres-shallow') return [seen.wanted]
  const isJs = seen.version === null ? !seen.hasTaskPath : seen.version === lastMigrations['langgraph-js-postgres']
  return [isJs ? 'langgraph-js-postgres' : 'langgraph-postgres']
}

function problemOf(
  layout: PostgresLayoutName,
  columns: ReadonlyMap<string, ReadonlySet<string>>,
  version: number | null,
  hasTaskPath: boolean,
): string | undefined {
  const last = lastMigrations[layout]
  // Python's savers go on counting from where JavaScript's stopped, and JavaScript's work with what Python's made of the tables.
  const newest = layout === 'langgraph-js-postgres' && hasTaskPath ? lastMigrations['langgraph-postgres'] : last
  if (version !== null && version > newest) {
    return `checkpoint_migrations is at ${version}, and this version of Drover knows the tables up to migration ${newest}: they belong to a newer library. Update Drover.`
  }
  const missing = Object.entries(postgresColumns[layout]).flatMap(([table, names]) =>
    columns.has(table)
      ? names.filter((name) => columns.get(table)?.has(name) !== true).map((name) => `${table}.${name}`)
      : [`the table ${table}`],
  )
  const isOlder = version !== null && version < last
  if (!isOlder && missing.length === 0) return undefined
  const setup =
    layout === 'langgraph-js-postgres'
      ? 'setup() of a PostgresSaver of @langchain/langgraph-checkpoint-postgres'
      : `setup() of a ${layout === 'langgraph-postgres' ? 'PostgresSaver' : 'ShallowPostgresSaver'} of langgraph-checkpoint-postgres`
  const lacks = missing.length === 0 ? '' : ` ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} not there.`
  const at = isOlder ? `checkpoint_migrations is at ${version}, an older library's state; ${last} is known.` : ''
  return `${at}${lacks} Call ${setup} on it once, which brings the tables up to date.`.trim()
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}
