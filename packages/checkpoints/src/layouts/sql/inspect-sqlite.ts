import type { LayoutFinding } from '../layout.js'
import type { Ask } from './inspect-postgres.js'
import type { SqliteLayoutName } from './sqlite-tables.js'

/** What stands in an SQLite database that looks like LangGraph's. */
export interface SqliteSights {
  readonly findings: readonly LayoutFinding[]
  /** Those of the tables that are there. */
  readonly tables: readonly string[]
  readonly hasTaskPath: boolean
}

const needed: Readonly<Record<string, readonly string[]>> = {
  checkpoints: [
    'thread_id',
    'checkpoint_ns',
    'checkpoint_id',
    'parent_checkpoint_id',
    'type',
    'checkpoint',
    'metadata',
  ],
  writes: ['thread_id', 'checkpoint_ns', 'checkpoint_id', 'task_id', 'idx', 'channel', 'type', 'value'],
}

/** How many rows are looked at to tell whose they are. */
const sampled = 500

/**
 * Looks for the tables of LangGraph's savers in SQLite, and at what wrote into them.
 *
 * @param wanted Whose they are taken for where nothing is in them that would say.
 */
export async function inspectSqlite(ask: Ask, wanted?: SqliteLayoutName): Promise<SqliteSights> {
  const columns = await columnsOf(ask)
  const tables = [...columns.keys()]
  const hasTaskPath = columns.get('writes')?.has('task_path') === true
  const isLanggraph = ['thread_id', 'checkpoint'].every((name) => columns.get('checkpoints')?.has(name) === true)
  if (!isLanggraph) return { findings: [], tables, hasTaskPath }
  const missing = Object.entries(needed).flatMap(([table, names]) =>
    names.filter((name) => columns.get(table)?.has(name) !== true).map((name) => `${table}.${name}`),
  )
  const problem =
    missing.length === 0
      ? undefined
      : `${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} not there: the tables are of an older library. Open the file once with a current SqliteSaver, whose setup() brings them up to date.`
  const layouts = problem === undefined ? await layoutsOf(ask, hasTaskPath, wanted) : [wanted ?? 'langgraph-sqlite']
  const findings = layouts.map(
    (layout): LayoutFinding => ({ layout, where: 'the tables checkpoints and writes', ...(problem && { problem }) }),
  )
  return { findings, tables, hasTaskPath }
}

async function columnsOf(ask: Ask): Promise<Map<string, Set<string>>> {
  const rows = await ask(
    `SELECT m.name AS "table", p.name AS "column" FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS p
     WHERE m.type = 'table' AND m.name IN ('checkpoints', 'writes')`,
  )
  const columns = new Map<string, Set<string>>()
  for (const [table, column] of rows) {
    const known = columns.get(String(table)) ?? new Set()
    columns.set(String(table), known.add(String(column)))
  }
  return columns
}

/** Both libraries keep JSON, Python's of old: its versions are texts of 32 digits and a fraction. */
async function layoutsOf(
  ask: Ask,
  hasTaskPath: boolean,
  wanted: SqliteLayoutName | undefined,
): Promise<readonly SqliteLayoutName[]> {
  const kinds = await ask(
    `SELECT DISTINCT CASE
       WHEN type IS NOT NULL AND type <> 'json' THEN 'python'
       WHEN CAST(checkpoint AS TEXT) GLOB '*"000000000000000000000000000000[0-9][0-9].*' THEN 'python'
       ELSE 'js' END AS kind
     FROM (SELECT type, checkpoint FROM checkpoints LIMIT ${sampled})`,
  )
  const seen = new Set(kinds.map(([kind]) => String(kind)))
  if (seen.size === 0) return [wanted ?? (hasTaskPath ? 'langgraph-sqlite' : 'langgraph-js-sqlite')]
  return [
    ...(seen.has('python') ? (['langgraph-sqlite'] as const) : []),
    ...(seen.has('js') ? (['langgraph-js-sqlite'] as const) : []),
  ]
}
