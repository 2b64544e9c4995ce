import { DroverError, suggestNames } from '@drover/core'
import type { SchemaConnection } from '../contracts/database.js'
import type { RevisionGraph } from '../graph/revision-graph.js'
import { isTableMissing } from './journal-tables.js'

export interface Adoption {
  readonly from: 'knex' | 'alembic'
  /** Ours by theirs. @default those of equal names */
  readonly map?: Readonly<Record<string, string>>
  readonly table?: string
}

/**
 * Our revisions that another tool has applied, by its own journal. Alembic notes where it is, so what lies below is there too; knex
 * notes each.
 *
 * @throws `SOURCE_NOT_FOUND`, `REVISION_UNKNOWN`, `JOURNAL_INVALID`
 */
export async function adoptedRevisions(
  graph: RevisionGraph,
  { from, map = {}, table = from === 'knex' ? 'knex_migrations' : 'alembic_version' }: Adoption,
  connection: SchemaConnection,
): Promise<ReadonlySet<string>> {
  const theirs = await namesOf(from, table, connection)
  const found = theirs.map((name) => ({ name, ours: map[name] ?? ourName(graph, name) }))
  const strange = found.filter(({ ours }) => ours === undefined).map(({ name }) => name)
  if (strange.length > 0) {
    const [first = ''] = strange
    throw new DroverError(
      'REVISION_UNKNOWN',
      `${connection.name}: ${table} has ${strange.join(', ')}, of which nobody knows what it is here${suggestNames(first, graph.ids)} Say it with map: { '${first}': '…' }.`,
    )
  }
  const ours = found.flatMap(({ ours: id }) => id ?? [])
  const whole = graph.withAncestors(ours)
  if (from === 'alembic') return whole
  const missing = graph.sorted(whole).filter((id) => !ours.includes(id))
  if (missing.length === 0) return whole
  throw new DroverError(
    'JOURNAL_INVALID',
    `${connection.name}: ${table} does not have ${missing.join(', ')}, on which others depend that it has. Say with map which of its own they are, or apply them with knex first.`,
  )
}

async function namesOf(
  from: 'knex' | 'alembic',
  table: string,
  connection: SchemaConnection,
): Promise<readonly string[]> {
  const quoted = table
    .split('.')
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join('.')
  try {
    const rows = await connection.query(
      from === 'knex' ? `SELECT name FROM ${quoted} ORDER BY id` : `SELECT version_num AS name FROM ${quoted}`,
    )
    return rows.map(({ name }) => String(name))
  } catch (error) {
    if (!isTableMissing(error)) throw error
    throw new DroverError(
      'SOURCE_NOT_FOUND',
      `${connection.name} has no table ${table}, in which ${from} notes what it has applied. Name another one with table, or take "drover schema stamp".`,
      { cause: error },
    )
  }
}

/** knex notes names of files, with their extension. */
function ourName(graph: RevisionGraph, name: string): string | undefined {
  return [name, name.replace(/\.[cm]?[jt]s$/, '')].find((one) => graph.has(one))
}
