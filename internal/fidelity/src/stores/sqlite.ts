import { type SqliteDriver, sqliteSink, sqliteSource } from '@drover/adapter-sqlite'
import Database from 'better-sqlite3'
import { readRows } from '../read-rows.js'
import type { NamedSet } from '../sets.js'
import type { Store } from '../store.js'
import { Places } from './files.js'

/** A table for each copy, in a database for each side. */
export function sqlite(driver: SqliteDriver): Store {
  const places = new Places('db')
  const target = places.next()
  let tables = 0
  return {
    name: `SQLite, ${driver}`,
    holds: ({ name }) => Object.hasOwn(columns, name),
    given: (value) => (typeof value === 'boolean' ? Number(value) : value),
    seed: async (sets, records) => {
      const filename = places.next()
      const database = new Database(filename)
      const declared = sets.map(({ name }) => `"${name}" ${columns[name]}`)
      database.exec(`CREATE TABLE records (${['id INTEGER PRIMARY KEY', ...declared].join(', ')})`)
      const insert = database.prepare(`INSERT INTO records VALUES (?${', ?'.repeat(sets.length)})`)
      const insertAll = database.transaction(() => {
        for (const record of records) insert.run(record.id, ...sets.map((set) => bound(set, record[set.name])))
      })
      insertAll()
      database.close()
      return sqliteSource({ filename, driver, table: 'records' })
    },
    place: () => {
      const table = `copy ${++tables}`
      return {
        sink: sqliteSink({ filename: target, driver, table, key: 'id', synchronous: 'off' }),
        contents: () => readRows(sqliteSource({ filename: target, driver, table })),
      }
    },
    [Symbol.asyncDispose]: async () => places.remove(),
  }
}

/** As people declare them. What SQLite has no type for is a text, and copied as one. */
const columns: Readonly<Record<string, string>> = {
  boolean: 'BOOLEAN',
  int64: 'INTEGER',
  float64: 'REAL',
  infinity: 'REAL',
  text: 'TEXT',
  nulText: 'TEXT',
  bytes: 'BLOB',
  date: 'DATE',
  timestampMs: 'DATETIME',
  timestampUs: 'DATETIME',
  any: '',
}

/** better-sqlite3 binds numbers as REAL and bigints as INTEGER. */
function bound({ type }: NamedSet, value: unknown): unknown {
  if (typeof value === 'boolean') return value ? 1n : 0n
  return type.kind === 'int' && typeof value === 'number' ? BigInt(value) : value
}
