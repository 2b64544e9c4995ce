import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { postgresSink } from '@drover/adapter-postgres'
import { type SqliteDriver, sqliteSource } from '@drover/adapter-sqlite'
import { DelimitedPage, deadLetterSource, from, type Row, runPipeline } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { rowsOf } from './read-source.js'

const columns = 'id INTEGER PRIMARY KEY, thread TEXT NOT NULL, at DATETIME, meta TEXT, n INTEGER'
const target = 'id bigint PRIMARY KEY, thread varchar(20) NOT NULL, at timestamptz, meta jsonb, n int'

describePostgres('from SQLite to Postgres', () => {
  const database = useDatabase()
  const folder = mkdtempSync(join(tmpdir(), 'drover-sqlite-postgres-'))
  const file = join(folder, 'chat.db')
  const { rows } = DelimitedPage.prototype
  let decoded = 0

  beforeEach(async () => {
    decoded = 0
    DelimitedPage.prototype.rows = function (this: DelimitedPage): readonly Row[] {
      decoded++
      return rows.call(this)
    }
    rmSync(file, { force: true })
    using source = new Source(file)
    source.exec(`CREATE TABLE messages (${columns})`)
    source.fill(5000)
    await database.query(`CREATE SCHEMA place; CREATE TABLE messages (${target})`)
  })
  afterEach(async () => {
    DelimitedPage.prototype.rows = rows
    await database.query('DROP SCHEMA place CASCADE; DROP TABLE messages')
  })

  const run = (driver: SqliteDriver, options: object = {}, sink: object = {}) =>
    runPipeline({
      name: 'copy',
      source: sqliteSource({ filename: file, table: 'messages', driver }),
      sink: postgresSink({ connection: database.url, table: 'messages', stateSchema: 'place', ...sink }),
      deadLetters: join(folder, 'letters'),
      ...options,
    })
  const change = (sql: string): void => {
    using source = new Source(file)
    source.exec(sql)
  }
  const copied = async (): Promise<readonly unknown[]> =>
    database.query(
      "SELECT id, thread, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') AS at, meta::text, n FROM messages ORDER BY id",
    )

  /** What is to be there, by way of records. */
  async function expected(driver: SqliteDriver): Promise<readonly unknown[]> {
    await database.query('TRUNCATE messages')
    await runPipeline({
      name: 'by records',
      source: from(sqliteSource({ filename: file, table: 'messages', driver })).pipe((row) => ({ ...row })),
      sink: postgresSink({ connection: database.url, table: 'messages', stateSchema: 'place' }),
    })
    return copied()
  }

  it.each<SqliteDriver>(['better-sqlite3', 'sqlite3'])('no record is made, and all are there: %s', async (driver) => {
    const report = await run(driver)
    expect([report.counts.inserted, decoded]).toEqual([5000, 0])
    expect(await copied()).toEqual(await expected(driver))
  })

  it.each<SqliteDriver>(['better-sqlite3', 'sqlite3'])(
    'texts that hold what separates them arrive as they are: %s',
    async (driver) => {
      change(
        'UPDATE messages SET meta = \'{"a":"x\x7f"}\', thread = char(31) || id || char(30) || char(31) WHERE id % 700 = 0',
      )
      const report = await run(driver, { batchSize: 500 })
      expect(report.counts).toMatchObject({ inserted: 5000, rejected: 0 })
      expect(await copied()).toEqual(await expected(driver))
    },
  )

  it('a row that the table refuses is left out by its key, and all others are there', async () => {
    change("UPDATE messages SET thread = 'far too long for twenty' WHERE id IN (77, 4321)")
    change("UPDATE messages SET meta = '{not json' WHERE id = 1234")
    change('UPDATE messages SET n = 3000000000 WHERE id = 2345')
    const { counts, rejected } = await run('better-sqlite3', { maxRejected: 9 })
    expect(counts).toMatchObject({ inserted: 4996, rejected: 4 })
    expect(rejected.map(({ key }) => key)).toEqual([[77], [1234], [2345], [4321]])
    const letters = await rowsOf(deadLetterSource(join(folder, 'letters'), { key: 'id' }))
    expect(letters.map(({ id }) => id).sort()).toEqual([1234, 2345, 4321, 77])
    expect(await database.query('SELECT count(*)::int AS n FROM messages')).toEqual([{ n: 4996 }])
  })

  it('U+0000 is refused by key, or escaped when asked', async () => {
    change("UPDATE messages SET thread = 'a' || char(0) || 'b' WHERE id = 5")
    await expect(run('better-sqlite3')).rejects.toMatchObject({
      code: 'RECORD_REJECTED',
      message: expect.stringContaining('[5]'),
    })
    await run('better-sqlite3', {}, { invalidText: 'escape' })
    expect(await database.query('SELECT thread FROM messages WHERE id = 5')).toEqual([{ thread: 'a\\u0000b' }])
  })

  it('rows that are there already are updated', async () => {
    await database.query("INSERT INTO messages VALUES (3, 'old', NULL, NULL, NULL), (9999, 'stays', NULL, NULL, NULL)")
    const report = await run('better-sqlite3', {}, { onConflict: 'update' })
    expect([report.counts.inserted, report.counts.updated, decoded]).toEqual([4999, 1, 0])
    expect(await database.query('SELECT thread FROM messages WHERE id IN (3, 9999) ORDER BY id')).toEqual([
      { thread: 'thread 3' },
      { thread: 'stays' },
    ])
  })
})

class Source implements Disposable {
  readonly #database
  constructor(file: string) {
    this.#database = new Database(file)
  }

  exec(sql: string): void {
    this.#database.exec(sql)
  }

  fill(count: number): void {
    const insert = this.#database.prepare('INSERT INTO messages VALUES (?, ?, ?, ?, ?)')
    this.#database.transaction(() => {
      for (let id = 1; id <= count; id++) {
        const at = new Date(1_700_000_000_000 + id * 1234).toISOString()
        const meta = id % 5 === 0 ? null : JSON.stringify({ id, text: id % 7 === 0 ? '\u0001 \\ "ü" 🐑' : 'x' })
        insert.run(
          id,
          `thread ${id % 11}`,
          id % 3 === 0 ? null : id % 2 === 0 ? at : at.replace('T', ' ').slice(0, 19),
          meta,
          id % 13 === 0 ? null : id,
        )
      }
    })()
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }
}
