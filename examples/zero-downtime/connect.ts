import makeKnex, { type Knex } from 'knex'

/** The application's own connections. */
export function connect(url: string): Knex {
  if (/^postgres/.test(url)) return makeKnex({ client: 'pg', connection: url, pool: { min: 0, max: 4 } })
  return makeKnex({
    client: 'better-sqlite3',
    connection: { filename: url },
    useNullAsDefault: true,
    pool: {
      min: 1,
      max: 1,
      // A write waits for the others, and for a revision, but not for readers.
      afterCreate: (database: { pragma(text: string): unknown }, done: (error: null, database: unknown) => void) => {
        database.pragma('busy_timeout = 20000')
        database.pragma('journal_mode = WAL')
        done(null, database)
      },
    },
  })
}
