import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type SqliteDriver, sqliteSink, sqliteSource } from '@drover/adapter-sqlite'
import { type KillModelOptions, killModel } from '@drover/conformance'
import { deadLetterSource, type Row } from '@drover/core'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { pagesOf } from './read-source.js'
import { rowsIn } from './sqlite-files.js'

const parent = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** From one database into another, or into itself, by one driver. */
function stores(driver: SqliteDriver, target: 'copy.db' | 'source.db'): KillModelOptions['create'] {
  return async ({ records }) => {
    const folder = mkdtempSync(join(parent, 'drover-kill-model-'))
    const [source, copy, letters] = [join(folder, 'source.db'), join(folder, target), join(folder, 'letters')]
    fill(source, records)
    return {
      openSource: () => sqliteSource({ filename: source, table: 'heads', driver }),
      openSink: () => sqliteSink({ filename: copy, table: 'children', driver }),
      contents: async () => rowsIn(copy, 'SELECT * FROM children'),
      deadLetters: {
        open: () => letters,
        keys: async () =>
          existsSync(letters)
            ? (await pagesOf(deadLetterSource(letters, { key: 'id' }))).flatMap((page) =>
                page.keys().map((key) => key.source),
              )
            : [],
      },
      [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true }),
    }
  }
}

function fill(file: string, records: readonly Row[]): void {
  const database = new Database(file)
  database.pragma('journal_mode = WAL')
  database.exec('CREATE TABLE heads (id INTEGER PRIMARY KEY, text TEXT NOT NULL)')
  const insert = database.prepare('INSERT INTO heads VALUES (@id, @text)')
  for (const record of records) insert.run(record)
  database.close()
}

test.each([
  ['better-sqlite3', 'copy.db', 'tells'],
  ['better-sqlite3', 'source.db', 'deferred'],
  ['sqlite3', 'copy.db', 'silent'],
] as const)(
  'SQLite over %s into %s is exact wherever it ends (refusals: %s)',
  { timeout: 180_000 },
  async (driver, target, refusals) => {
    const report = await killModel({ create: stores(driver, target), refusals, exclusive: 'commit', stride: 27 })
    expect(report.kills).toBeGreaterThan(8)
    expect(report.zombies).toBeGreaterThan(1)
  },
)
