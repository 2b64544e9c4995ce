import knex, { type Knex } from 'knex'

/** What the document checks afterwards. */
export interface MessageFigures {
  readonly total_messages: number
  readonly total_tokens: number
  readonly avg_tokens_per_message: number
}

export async function messageFigures(filename: string): Promise<MessageFigures> {
  const db: Knex = knex({ client: 'better-sqlite3', connection: { filename }, useNullAsDefault: true })
  try {
    const [figures]: readonly MessageFigures[] = await db.raw(`
      SELECT
        COUNT(*) AS total_messages,
        SUM(token_count) AS total_tokens,
        AVG(token_count) AS avg_tokens_per_message
      FROM conversation_history
      WHERE content IS NOT NULL`)
    if (figures === undefined) throw new Error('an aggregate gives a row')
    return figures
  } finally {
    await db.destroy()
  }
}
