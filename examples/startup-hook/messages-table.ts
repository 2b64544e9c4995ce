import type { Database } from '@drover-internal/postgres-server'
import type { Ledger } from './ledger.js'

/** The table as the release before left it: a migration has added `token_count`, and no message has been counted yet. */
export async function makeMessages(database: Database, rows: number): Promise<void> {
  await database.query(`
    CREATE TABLE messages (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      call_id int NOT NULL,
      content text NOT NULL,
      token_count int NOT NULL DEFAULT 0
    )`)
  await database.query(
    `INSERT INTO messages (call_id, content)
     SELECT 1 + i / 20, 'message ' || i || repeat(' that the caller left with the agent', 1 + i % 7) FROM generate_series(1, $1::int) AS i`,
    [rows],
  )
  await database.query('CREATE INDEX ON messages (call_id)')
  await database.query('VACUUM ANALYZE messages')
  await database.query('CHECKPOINT')
}

/** What became of the messages. */
export interface Outcome {
  readonly messages: number
  /** Not counted, or counted wrong. */
  readonly wrong: number
  /** Writes that were answered and are not there. */
  readonly lost: number
}

export async function checkMessages(database: Database, rows: number, ledger: Ledger): Promise<Outcome> {
  const [counted] = await database.query<{ messages: number; wrong: number }>(`
    SELECT count(*)::int AS messages,
      count(*) FILTER (WHERE token_count <> greatest(1, length(content) / 4))::int AS wrong FROM messages`)
  const { messages = 0, wrong = 0 } = counted ?? {}
  const found = await database.query<{ id: string; content: string }>(
    'SELECT id, content FROM messages WHERE id = ANY ($1::bigint[])',
    [[...ledger.contents.keys()]],
  )
  const kept = found.filter(({ id, content }) => ledger.contents.get(Number(id))?.includes(content))
  const perhaps = await database.query('SELECT FROM messages WHERE content = ANY ($1::text[])', [ledger.perhaps])
  const missing = Math.max(0, rows + ledger.counts.added + perhaps.length - messages)
  return { messages, wrong, lost: ledger.contents.size - kept.length + missing }
}
