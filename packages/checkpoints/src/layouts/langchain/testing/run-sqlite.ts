import knex from 'knex'

/** Runs statements in a database file of SQLite. */
export async function runSqlite(filename: string, ...statements: readonly string[]): Promise<void> {
  const database = knex({ client: 'better-sqlite3', connection: { filename }, useNullAsDefault: true })
  try {
    for (const statement of statements) await database.raw(statement)
  } finally {
    await database.destroy()
  }
}
