import type { Row } from '@drover/core'
import type { Catalog } from '../contracts/catalog.js'
import type { SchemaConnection } from '../contracts/database.js'

/** How a query gets at its rows. */
export interface QueryPlan {
  /** Indexes that it uses, and the tables that they belong to. */
  readonly indexes: readonly { readonly index: string; readonly table: string }[]
  /** Tables that it reads from end to end; SQLite has their aliases. */
  readonly scans: readonly string[]
  /** As the database writes it. */
  readonly lines: readonly string[]
}

/** What EXPLAIN says; the query does not run. */
export async function planOf(connection: SchemaConnection, catalog: Catalog, sql: string): Promise<QueryPlan> {
  const tables = tablesOfIndexes(catalog)
  const found =
    connection.dialect === 'sqlite'
      ? sqlitePlan(await connection.query(`EXPLAIN QUERY PLAN ${sql}`))
      : postgresPlan(await connection.query(`EXPLAIN (FORMAT JSON) ${sql}`))
  const indexes = [...new Set(found.indexes)].sort()
  return {
    ...found,
    indexes: indexes.map((index) => ({ index, table: tables(index) })),
    scans: [...new Set(found.scans)].sort(),
  }
}

interface Found {
  readonly indexes: readonly string[]
  readonly scans: readonly string[]
  readonly lines: readonly string[]
}

/** https://www.sqlite.org/eqp.html */
function sqlitePlan(rows: readonly Row[]): Found {
  const lines = rows.map(({ detail }) => String(detail))
  return {
    indexes: lines.flatMap((line) => /USING (?:COVERING )?INDEX (.+?)(?: \(|$)/.exec(line)?.[1] ?? []),
    scans: lines.flatMap((line) => (/ USING /.test(line) ? [] : (/^SCAN (\S+)/.exec(line)?.[1] ?? []))),
    lines,
  }
}

type Node = Readonly<Record<string, unknown>>

function postgresPlan(rows: readonly Row[]): Found {
  const given = rows[0]?.['QUERY PLAN']
  const [root] = (typeof given === 'string' ? JSON.parse(given) : given) as readonly Node[]
  const nodes: Node[] = []
  const lines: string[] = []
  const visit = (node: Node, depth: number): void => {
    nodes.push(node)
    const on = [node['Relation Name'], node['Index Name']].filter((each) => each !== undefined)
    lines.push(`${'  '.repeat(depth)}${[node['Node Type'], ...on].join(' ')}`)
    for (const child of (node.Plans ?? []) as readonly Node[]) visit(child, depth + 1)
  }
  visit((root?.Plan ?? {}) as Node, 0)
  return {
    indexes: nodes.flatMap((node) => (node['Index Name'] === undefined ? [] : [String(node['Index Name'])])),
    scans: nodes.flatMap((node) =>
      /Seq Scan$/.test(String(node['Node Type'])) ? [String(node['Relation Name'])] : [],
    ),
    lines,
  }
}

function tablesOfIndexes({ tables }: Catalog): (index: string) => string {
  const known = new Map<string, string>()
  for (const { name, indexes, primaryKeyName, uniques } of tables) {
    for (const index of indexes) known.set(index.name, name)
    if (primaryKeyName !== undefined) known.set(primaryKeyName, name)
    for (const unique of uniques) if (unique.name !== undefined) known.set(unique.name, name)
  }
  return (index) => known.get(index) ?? /^sqlite_autoindex_(.+)_\d+$/.exec(index)?.[1] ?? ''
}
