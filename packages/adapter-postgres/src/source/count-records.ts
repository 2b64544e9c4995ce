import type { Count, Operation } from '@drover/core'
import { asking, type ReadSettings } from './read-settings.js'
import { allOfSql } from './sql.js'

/** Counts all records, or asks the planner, which knows what ANALYZE saw last. */
export async function countRecords(
  settings: ReadSettings,
  how: 'exact' | 'estimate',
  filter: string | null,
  operation: Operation,
): Promise<Count> {
  const { sql, where, keep, shown, kind, estimatedRows } = settings.relation
  const doing = { doing: `counting the records of ${shown}` }
  const from = `FROM ${sql} AS d WHERE ${allOfSql([where, filter])}`
  // Of a table that nobody has analyzed the planner knows its size alone.
  const isKnown = estimatedRows !== null || kind === 'view' || kind === 'query'
  return await asking(settings, operation, async (connection) => {
    if (how === 'estimate' && isKnown) {
      const { rows } = await connection.query<Record<string, string>>(
        `EXPLAIN (FORMAT JSON) SELECT 1 ${from}`,
        [],
        doing,
      )
      return { value: plannedRows(Object.values(rows[0] ?? {})[0]), exact: false }
    }
    const { rows } = await connection.query<{ n: number }>(`SELECT count(*) AS n ${from}`, [], doing)
    return { value: Number(rows[0]?.n), exact: keep === null }
  })
}

function plannedRows(plan: unknown): number {
  const [first] = plan as readonly { readonly Plan?: { readonly 'Plan Rows'?: number } }[]
  return first?.Plan?.['Plan Rows'] ?? 0
}
