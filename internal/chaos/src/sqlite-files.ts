import type { Row } from '@drover/core'
import Database from 'better-sqlite3'
import type { Head } from './herd.js'
import { plainRow } from './plain-row.js'

/** Makes a database with the herd in its table `heads`. */
export function writeHerd(file: string, heads: readonly Head[]): void {
  const database = new Database(file)
  database.pragma('journal_mode = WAL')
  database.exec('CREATE TABLE heads (id INTEGER PRIMARY KEY, text TEXT, big INTEGER, score REAL, payload BLOB)')
  const insert = database.prepare('INSERT INTO heads VALUES (@id, @text, @big, @score, @payload)')
  database.transaction(() => {
    for (const head of heads) insert.run(head)
  })()
  database.close()
}

/** Rows by another way than the adapter's. */
export function rowsIn(file: string, sql: string): Row[] {
  const database = new Database(file, { readonly: true })
  try {
    return (database.prepare(sql).safeIntegers().all() as Row[]).map(plainRow)
  } finally {
    database.close()
  }
}

export function headsIn(file: string): Head[] {
  return rowsIn(file, 'SELECT * FROM heads') as Head[]
}
