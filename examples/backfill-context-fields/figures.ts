import knex from 'knex'

/** What the document checks afterwards. */
export interface CallFigures {
  readonly total: number
  readonly pruned: number
  readonly avg_tokens: number
}

export async function callFigures(filename: string): Promise<CallFigures> {
  const db = knex({ client: 'better-sqlite3', connection: { filename }, useNullAsDefault: true })
  try {
    const [figures]: readonly CallFigures[] = await db.raw(`
      SELECT
        COUNT(*) AS total,
        SUM(CASE WHEN context_pruned THEN 1 ELSE 0 END) AS pruned,
        AVG(total_context_tokens) AS avg_tokens
      FROM calls
      WHERE julianday(created_at) < julianday('now', '-1 hour')`)
    if (figures === undefined) throw new Error('an aggregate gives a row')
    return figures
  } finally {
    await db.destroy()
  }
}
