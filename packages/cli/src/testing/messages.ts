import Database from 'better-sqlite3'

/** A database with messages; each tenth is of the role `debug`. */
export function makeMessages(filename: string, count: number, columns = ''): void {
  const database = new Database(filename)
  database.exec(`CREATE TABLE messages (id INTEGER PRIMARY KEY, role TEXT, content TEXT${columns})`)
  const insert = database.prepare('INSERT INTO messages (id, role, content) VALUES (?, ?, ?)')
  database.transaction(() => {
    for (let id = 1; id <= count; id++) insert.run(id, id % 10 === 0 ? 'debug' : 'user', `message ${id}`)
  })()
  database.close()
}

/** All rows that a statement gives. */
export function rowsOf(filename: string, sql: string): unknown[] {
  const database = new Database(filename, { readonly: true })
  try {
    return database.prepare(sql).all()
  } finally {
    database.close()
  }
}

/** Runs statements. */
export function change(filename: string, sql: string): void {
  const database = new Database(filename)
  database.exec(sql)
  database.close()
}
