import type { Operation, Page, RecordSchema, Rehearsal, Row } from '@drover/core'
import type { PostgresDatabase } from '../connection/open-postgres.js'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import type { BatchTarget } from '../sink/batch-target.js'
import { ensureStateTables, type StateTables } from '../state/state-tables.js'

/** Whoever waits for a lock has others waiting behind him, and this is not worth it. */
export const longestWaitMs = 2_000

interface Rehearsed {
  readonly database: PostgresDatabase
  readonly tables: StateTables
  /** The target, for messages. */
  readonly where: string
  readonly rehearsal: NonNullable<BatchTarget['rehearsal']>
}

/** Creates what is missing and writes the pages, in one transaction that is rolled back. Sequences do not move: what would move one is not written. */
export async function rehearse(
  { database, tables, where, rehearsal }: Rehearsed,
  schema: RecordSchema,
  pages: readonly Page<Row>[],
  operation: Operation,
): Promise<Rehearsal> {
  const work = async (connection: PostgresConnection): Promise<Rehearsal> => {
    const ours = await missing(connection, tables)
    await ensureStateTables(connection, tables)
    const { creates, writer } = await rehearsal(schema, connection, operation)
    const all = [...creates, ...ours.map((name) => `table "${name}"`)]
    if ('notWritten' in writer) return { creates: all, rows: 0, durationMs: 0, notWritten: writer.notWritten }
    const begun = performance.now()
    let rows = 0
    try {
      for (const page of pages) {
        operation.signal.throwIfAborted()
        await writer.write(page)
        rows += page.count - (page.rejected?.length ?? 0)
      }
      const { inserted, updated, skipped } = await writer.end()
      rows = inserted + updated + skipped
    } catch (error) {
      await writer.abandon()
      throw error
    }
    await connection.exec('SET CONSTRAINTS ALL IMMEDIATE', {
      doing: `checking deferred constraints of ${where}`,
    })
    return { creates: all, rows, durationMs: performance.now() - begun }
  }
  return database.transaction(work, { ...operation, end: 'rollback', lockTimeoutMs: longestWaitMs })
}

/** Those of Drover's own tables that are not there. */
async function missing(connection: PostgresConnection, { schema, names }: StateTables): Promise<readonly string[]> {
  const shown = names.map((name) => (schema === null ? name : `${schema}.${name}`))
  const { rows } = await connection.query<{ shown: string }>(
    `SELECT shown FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS t(shown, name, place)
     WHERE pg_catalog.to_regclass(CASE WHEN $3::text IS NULL THEN '' ELSE quote_ident($3) || '.' END || quote_ident(name)) IS NULL
     ORDER BY place`,
    [shown, names, schema],
  )
  return rows.map((row) => row.shown)
}
