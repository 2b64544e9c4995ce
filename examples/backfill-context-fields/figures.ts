import { openDatabase } from '@drover-examples/backfill-message-tokens/database'
import { olderThanAnHour } from './context-fields.js'

/** What the document checks afterwards, and the calls that it passes over without a word. */
export interface CallFigures {
  readonly total: number
  readonly pruned: number
  readonly avg_tokens: number
  /** Calls without a date, which are left alone. */
  readonly undated: number
}

export async function callFigures(database: string): Promise<CallFigures> {
  const db = openDatabase(database)
  try {
    const [figures] = await db('calls')
      .whereRaw(olderThanAnHour(database))
      .select(
        db.raw('COUNT(*) AS total'),
        db.raw('SUM(CASE WHEN context_pruned THEN 1 ELSE 0 END) AS pruned'),
        db.raw('AVG(total_context_tokens) AS avg_tokens'),
      )
    const [undated] = await db('calls').whereNull('created_at').count({ count: '*' })
    return {
      total: Number(figures.total),
      pruned: Number(figures.pruned),
      avg_tokens: Number(figures.avg_tokens),
      undated: Number(undated?.count),
    }
  } finally {
    await db.destroy()
  }
}
