import { openDatabase } from './database.js'

/** What the document checks afterwards. */
export interface MessageFigures {
  readonly total_messages: number
  readonly total_tokens: number
  readonly avg_tokens_per_message: number
}

export async function messageFigures(database: string): Promise<MessageFigures> {
  const db = openDatabase(database)
  try {
    const [figures] = await db('conversation_history')
      .whereNotNull('content')
      .select(
        db.raw('COUNT(*) AS total_messages'),
        db.raw('SUM(token_count) AS total_tokens'),
        db.raw('AVG(token_count) AS avg_tokens_per_message'),
      )
    return {
      total_messages: Number(figures.total_messages),
      total_tokens: Number(figures.total_tokens),
      avg_tokens_per_message: Number(figures.avg_tokens_per_message),
    }
  } finally {
    await db.destroy()
  }
}
