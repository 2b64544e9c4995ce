import { checkOptionNames, DroverError, type Operation } from '@drover/core'
import { withDatabase } from '../backup/with-database.js'
import { type Read, readCatalog, withoutTables } from '../catalog/read-catalog.js'
import { rowCounts } from '../catalog/row-counts.js'
import { integrityCheck } from '../conditions/integrity.js'
import type { SchemaDatabase } from '../contracts/database.js'
import type { Migration } from '../contracts/migration.js'
import type { SchemaLocation, Target } from '../contracts/migrator.js'
import { RevisionGraph } from '../graph/revision-graph.js'
import { migratorOn } from '../migrator/create-migrator.js'

/** Options of {@link verifySchema}. */
export interface VerifySchemaOptions extends Partial<Operation> {
  /** @default the variable DATABASE_URL */
  readonly connection?: SchemaLocation | SchemaDatabase
  readonly migrations: readonly Migration[]
  /** Where it should be. @default 'heads' */
  readonly at?: Target
  /** What the names of the journal's tables begin with. @default 'drover_' */
  readonly tablePrefix?: string
}

/** What was found behind a migration. */
export interface SchemaVerification {
  /** Where it is. */
  readonly current: readonly string[]
  /** Sentences about what is not right; empty: all is. */
  readonly problems: readonly string[]
  /** Of each table that is not Drover's own. */
  readonly rows: readonly { readonly table: string; readonly rows: number }[]
}

/**
 * Looks at a database behind a migration: it is where it should be, no revision is interrupted, edited or of an unknown release, it is whole (SQLite's
 * `integrity_check`, foreign keys, no invalid index), and how many rows each table has. Nothing is changed.
 *
 * @throws `OPTION_INVALID`, `REVISION_UNKNOWN`, `REVISION_AMBIGUOUS`
 *
 * @example
 * const { problems } = await verifySchema({ connection: 'app.db', migrations, at: '002_voice_agent_integration' })
 */
export async function verifySchema(options: VerifySchemaOptions): Promise<SchemaVerification> {
  const where = 'verifySchema'
  checkOptionNames(where, options, ['connection', 'migrations', 'at', 'tablePrefix', 'signal'])
  const { migrations, at = 'heads', tablePrefix = 'drover_', signal = new AbortController().signal } = options
  return withDatabase(options.connection, where, async (database) => {
    const lent = { ...database, [Symbol.asyncDispose]: async () => {} }
    await using migrator = migratorOn({ migrations, tablePrefix }, async () => lent)
    const status = await migrator.status({ signal })
    const problems = placeProblems(new RevisionGraph(migrations), status, at)
    // It refuses revisions that were edited since they were applied.
    await migrator.plan('up', 'heads', { signal }).catch((error: unknown) => {
      if (!DroverError.isInstance(error, 'REVISION_EDITED', 'JOURNAL_INVALID')) throw error
      problems.push(error.message)
    })
    const read: Read = (sql, values = []) => database.query(sql, values, { signal })
    const whole = await readCatalog(read, database.dialect)
    const broken = await integrityCheck()({
      dialect: database.dialect,
      signal,
      query: read,
      catalog: async () => whole,
      before: { catalog: whole, rows: new Map() },
    })
    if (typeof broken === 'string') problems.push(broken)
    const { tables } = withoutTables(whole, (name) => name.startsWith(tablePrefix) || name.startsWith('drover_'))
    const counts = await rowCounts(
      read,
      tables.map(({ name }) => name),
      database.dialect,
    )
    return { current: status.current, problems, rows: [...counts].map(([table, rows]) => ({ table, rows })) }
  })
}

function placeProblems(
  graph: RevisionGraph,
  {
    current,
    interrupted,
    unknown,
  }: { current: readonly string[]; interrupted: readonly string[]; unknown: readonly string[] },
  at: Target,
): string[] {
  const applied = graph.withAncestors(current.filter((id) => graph.has(id)))
  const wanted = graph.stampedAt(at, applied)
  const missing = [...wanted].filter((id) => !applied.has(id))
  const above = at === 'heads' ? [] : [...applied].filter((id) => !wanted.has(id))
  return [
    ...(missing.length === 0 ? [] : [`not applied: ${graph.sorted(missing).join(', ')}`]),
    ...(above.length === 0 ? [] : [`above ${at}: ${graph.sorted(above).join(', ')}`]),
    ...(interrupted.length === 0 ? [] : [`interrupted: ${interrupted.join(', ')}`]),
    ...(unknown.length === 0 ? [] : [`of an unknown release: ${unknown.join(', ')}`]),
  ]
}
