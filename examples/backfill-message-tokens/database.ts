import knex, { type Knex } from 'knex'

/** Whether a database is named by a URL of PostgreSQL, also one of SQLAlchemy; else it is the path of a SQLite database. */
export function isPostgres(database: string): boolean {
  return /^postgres(ql)?(\+\w+)?:/.test(database)
}

/** To look into the database by other means than Drover's. */
export function openDatabase(database: string): Knex {
  return isPostgres(database)
    ? knex({ client: 'pg', connection: database.replace(/^postgres(ql)?\+\w+:/, 'postgres:') })
    : knex({ client: 'better-sqlite3', connection: { filename: database }, useNullAsDefault: true })
}
