/** A database that can be asked. */
export interface Asked {
  query(sql: string, values?: readonly unknown[]): Promise<unknown>
}

/** The application's table, as its migrations make it. */
export async function makeTable(database: Asked): Promise<void> {
  await database.query(`
    CREATE TABLE messages (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      thread_id uuid NOT NULL,
      role text NOT NULL,
      content text NOT NULL,
      token_count int,
      created_at timestamptz NOT NULL DEFAULT now(),
      metadata jsonb
    );
    CREATE INDEX messages_by_time ON messages (created_at, id)`)
}

/** What people write in a day: fifty messages a thread, spread over the day. @param day Such as `2026-01-01`, in UTC */
export async function writeMessages(database: Asked, day: string, count: number): Promise<void> {
  await database.query(
    `INSERT INTO messages (thread_id, role, content, token_count, created_at, metadata)
     SELECT md5($1 || n / 50)::uuid, (ARRAY['user', 'assistant', 'tool'])[n % 3 + 1], 'message ' || n || ' of ' || $1,
       n % 97, $1::timestamp AT TIME ZONE 'UTC' + n * interval '1 day' / $2::int, jsonb_build_object('n', n)
     FROM generate_series(0, $2::int - 1) AS n`,
    [day, count],
  )
}

/** What one writes now, on a day that is not over: no export takes it yet. */
export async function writeNow(database: Asked): Promise<void> {
  await database.query(`INSERT INTO messages (thread_id, role, content) VALUES (md5('now')::uuid, 'user', 'just now')`)
}
