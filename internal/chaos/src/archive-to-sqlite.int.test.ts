import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { postgresArchive } from '@drover/adapter-postgres'
import { type SqliteDriver, sqliteSink } from '@drover/adapter-sqlite'
import { runBackfill } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, it } from 'vitest'

describePostgres('rows of Postgres that are archived in a SQLite file', () => {
  const database = useDatabase()
  let folder: string
  let filename: string

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'drover-archive-sqlite-'))
    filename = join(folder, 'old.db')
    await database.query(`
      CREATE TABLE messages (id bigint PRIMARY KEY, content text, old bool NOT NULL, price numeric(20,2), share float8, at timestamptz, raw bytea,
        data jsonb, tags text[], big bigint);
      INSERT INTO messages SELECT i, CASE WHEN i % 7 > 0 THEN 'message ' || i END, i % 2 = 0, i / 7.0, i / 3.0::float8,
        timestamptz 'epoch' + i * interval '1.000001 s', int4send(i), jsonb_build_object('a', 1.50, 'b', ARRAY[i]), ARRAY['a', NULL, i::text],
        9007199254740993 + i FROM generate_series(1, 1000) AS i`)
  })
  afterEach(async () => {
    await database.query('DROP TABLE messages; DROP SCHEMA IF EXISTS place CASCADE; CREATE SCHEMA place')
    rmSync(folder, { recursive: true })
  })

  const archive = (driver: SqliteDriver) =>
    postgresArchive({
      name: 'archive',
      connection: database.url,
      stateSchema: 'place',
      table: 'messages',
      where: 'old',
      to: sqliteSink({ filename, table: 'old', driver, onConflict: 'update' }),
      batchSize: 200,
    })
  const here = async (): Promise<unknown> =>
    (await database.query('SELECT count(*)::int AS n, count(*) FILTER (WHERE old)::int AS old FROM messages'))[0]
  const there = (sql: string): unknown => {
    const file = new Database(filename)
    try {
      return file.prepare(sql).get()
    } finally {
      file.close()
    }
  }

  it.each<SqliteDriver>(['better-sqlite3', 'sqlite3'])(
    'are deleted once they are found equal there, and not before: %s',
    async (driver) => {
      await database.query('CREATE SCHEMA IF NOT EXISTS place')
      const report = await runBackfill({ backfiller: archive(driver) })
      expect(report.account?.figures).toMatchObject({ copied: 500, verified: 500, deleted: 500, different: 0, left: 0 })
      expect(await here()).toEqual({ n: 500, old: 0 })
      expect(there('SELECT count(*) AS n, min(id) AS first, max(id) AS last FROM old')).toEqual({
        n: 500,
        first: 2,
        last: 1_000,
      })
      await database.query('UPDATE messages SET old = true WHERE id < 10')
      expect((await runBackfill({ backfiller: archive(driver) })).account?.figures).toMatchObject({
        copied: 5,
        deleted: 5,
      })
      expect(there('SELECT count(*) AS n FROM old')).toEqual({ n: 505 })
    },
  )

  it('stay where the file holds something else under their key', async () => {
    await database.query('CREATE SCHEMA IF NOT EXISTS place')
    await runBackfill({ backfiller: archive('better-sqlite3') })
    await database.query(`UPDATE messages SET old = true WHERE id IN (1, 3)`)
    const file = new Database(filename)
    // It comes after the copy, and before the comparison.
    file.exec(
      `CREATE TRIGGER spoil AFTER INSERT ON old WHEN new.id = 3 BEGIN UPDATE old SET content = 'spoilt' WHERE id = 3; END`,
    )
    file.close()
    const report = await runBackfill({ backfiller: archive('better-sqlite3') })
    expect(report.account).toMatchObject({ figures: { copied: 2, deleted: 1, different: 1 }, kept: [{ key: [3] }] })
    expect(await here()).toEqual({ n: 499, old: 1 })
  })
})
