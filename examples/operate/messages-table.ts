import type { Database } from '@drover-internal/postgres-server'

/** Messages that nobody has counted yet; one in 997 has no author. */
export async function makeMessages(database: Database, rows: number): Promise<void> {
  await database.query(`
    CREATE TABLE messages (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      author text,
      content text NOT NULL,
      token_count int NOT NULL DEFAULT 0
    );
    CREATE TABLE notes (id bigint PRIMARY KEY, title text NOT NULL)`)
  await database.query(
    `INSERT INTO messages (author, content)
     SELECT CASE WHEN i % 997 = 0 THEN NULL ELSE 'author ' || i % 10 END, 'message ' || i || repeat(' and more', i % 7)
     FROM generate_series(1, $1::int) AS i`,
    [rows],
  )
  await database.query('VACUUM ANALYZE messages')
}
