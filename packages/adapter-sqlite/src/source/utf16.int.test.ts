import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { delimitedForm, ndjsonSink, runPipeline } from '@drover/core'
import { describe, expect, it } from 'vitest'
import { sqliteSink } from '../sink/sqlite-sink.js'
import { readSource } from '../testing/read-source.js'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { sqliteSource } from './sqlite-source.js'

const texts = ['one', 'größer 東京 🐑', '', 'a\nb', '\u0a0a\u1f1e']

describe.each(drivers)('a database that keeps its texts as UTF-16, by %s', (driver) => {
  async function filled(encoding: string): Promise<TestDatabase> {
    const database = new TestDatabase(driver)
    await using connection = await database.open()
    await connection.exec(`PRAGMA encoding = '${encoding}'; CREATE TABLE t (k TEXT PRIMARY KEY NOT NULL, t TEXT)`)
    for (const text of texts) await connection.run('INSERT INTO t VALUES (?, ?)', [text, text])
    return database
  }

  it.each(['UTF-16le', 'UTF-16be'])('is read as what was written: %s', async (encoding) => {
    await using database = await filled(encoding)
    const source = sqliteSource({ filename: database.file, table: 't', driver })
    for (const forms of [[], [delimitedForm]]) {
      const { rows } = await readSource(source, { forms, asking: 'lines', page: { records: 2, bytes: 1000 } })
      expect(rows.map(({ t }) => t).sort()).toEqual([...texts].sort())
    }
  })

  it.each(['UTF-16le', 'UTF-16be'])('becomes a file of UTF-8: %s', async (encoding) => {
    await using database = await filled(encoding)
    const file = join(database.folder, 'out.ndjson')
    await runPipeline({
      name: 'out',
      source: sqliteSource({ filename: database.file, table: 't', driver }),
      sink: ndjsonSink({ path: file }),
      batchSize: 2,
    })
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line).t).sort()).toEqual([...texts].sort())
  })

  it('is copied into a database of UTF-8, and back', async () => {
    await using database = await filled('UTF-16le')
    await using copy = new TestDatabase(driver, 'copy.db')
    const both = [database.file, copy.file, database.file] as const
    for (const [i, table] of ['there', 'back'].entries()) {
      await runPipeline({
        name: table,
        source: sqliteSource({ filename: both[i] as string, table: i === 0 ? 't' : 'there', driver }),
        sink: sqliteSink({ filename: both[i + 1] as string, table, key: 'k', createTable: true, driver }),
      })
    }
    expect(await database.exact('SELECT * FROM back ORDER BY k')).toEqual(
      await database.exact('SELECT * FROM t ORDER BY k'),
    )
  })

  it('has a text that is no UTF-16 rejected by its key', async () => {
    await using database = await filled('UTF-16le')
    await database.exec("INSERT INTO t VALUES ('bad', CAST(x'00d84100' AS TEXT))")
    const { rows, rejected } = await readSource(sqliteSource({ filename: database.file, table: 't', driver }))
    // better-sqlite3 is given UTF-8, in which SQLite has put something in the place of what is none.
    if (rejected.length === 0) expect(rows.find(({ k }) => k === 'bad')?.t).not.toBe('A')
    else expect(rejected).toMatchObject([{ key: ['bad'], error: { code: 'RECORD_UNREADABLE' } }])
  })
})
