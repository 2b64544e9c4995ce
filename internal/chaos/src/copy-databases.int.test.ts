import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { postgresDatabase } from '@drover/adapter-postgres'
import { type SqliteDriver, sqliteDatabase } from '@drover/adapter-sqlite'
import {
  copyDatabase,
  DelimitedPage,
  type Database as DroverDatabase,
  databaseCopy,
  dryRun,
  type Row,
  startDatabaseCopy,
} from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { childProgram } from '../../../tooling/child-program.js'

const companies = `
CREATE TABLE country (code TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL UNIQUE);
CREATE TABLE person (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, boss INTEGER REFERENCES person, company INTEGER REFERENCES company (id) ON DELETE SET NULL,
  country TEXT REFERENCES country (code) ON UPDATE CASCADE);
CREATE TABLE company (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL REFERENCES Person (ID) DEFERRABLE INITIALLY DEFERRED, "order" TEXT, photo BLOB);
CREATE TABLE "order" ("select" INTEGER NOT NULL, "From" INTEGER NOT NULL, share REAL, PRIMARY KEY ("select", "From"),
  FOREIGN KEY ("select") REFERENCES person (id) ON DELETE CASCADE);
CREATE TABLE note ("order" INTEGER, item INTEGER, text TEXT, FOREIGN KEY ("order", item) REFERENCES "order");
CREATE VIEW names AS SELECT name FROM person;
CREATE TABLE drover_mine (x);`

const people = 300
const records = people + 5 + people / 5 + 1

describePostgres('whole databases', () => {
  const database = useDatabase()
  const folder = mkdtempSync(join(tmpdir(), 'drover-copy-'))
  const files = { source: join(folder, 'source.db'), back: join(folder, 'back.db') }
  const postgres = (): DroverDatabase =>
    postgresDatabase({ connection: database.url, schema: 'copy', stateSchema: 'copy' })
  const source = (driver?: SqliteDriver): DroverDatabase =>
    sqliteDatabase({ filename: files.source, ...(driver === undefined ? {} : { driver }) })

  beforeEach(() => {
    using made = new File(files.source)
    made.exec(`PRAGMA foreign_keys = OFF; ${companies}`)
    made.exec(
      `
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${people})
      INSERT INTO person SELECT i, 'person ' || i, CASE i WHEN ${people} THEN NULL ELSE i + 1 END, i % 3 + 1, CASE i % 2 WHEN 0 THEN 'at' END FROM n;
      INSERT INTO country VALUES ('at', 'Austria'), ('de', 'Germany');
      INSERT INTO company VALUES (1, 5, 'first', x'00ff'), (2, 7, NULL, NULL), (3, 9, 'ü 🐑', x'');
      INSERT INTO "order" SELECT id, id * 2, id / 8.0 FROM person WHERE id % 10 = 0;
      INSERT INTO note SELECT "select", "From", 'note' FROM "order"; INSERT INTO note (text) VALUES ('alone');
      INSERT INTO drover_mine VALUES (1)`.replace("NULL || 'x' || ", ''),
    )
  })
  afterEach(async () => {
    for (const file of Object.values(files)) for (const end of ['', '-wal', '-shm']) rmSync(file + end, { force: true })
    await database.query('DROP SCHEMA IF EXISTS copy CASCADE')
  })

  it.each<SqliteDriver>(['better-sqlite3', 'sqlite3'])('go from SQLite to Postgres and back: %s', async (driver) => {
    const there = await copyDatabase({ from: source(driver), to: postgres(), name: 'there' })
    expect(there.status).toBe('completed')
    expect(there.partitions.map(({ id, counts }) => [id, counts.inserted])).toEqual([
      ['country', 2],
      ['person', people],
      ['company', 3],
      ['order', people / 10],
      ['note', people / 10 + 1],
    ])
    const said = there.warnings.map(({ message }) => message)
    expect(said).toContainEqual(expect.stringContaining('"names" is a view'))
    expect(said).toContainEqual(expect.stringMatching(/"company".*"person".*circle|"person".*"company".*circle/))
    expect(said).toContainEqual(expect.stringMatching(/"note".*rowid/))
    const back = sqliteDatabase({ filename: files.back, driver })
    await copyDatabase({ from: postgres(), to: back, name: 'back', exclude: ['note'] })
    const all = ['country', 'company', 'person', 'order']
    expect(keysOf(files.back, all)).toEqual(keysOf(files.source, all))
    expect(rowsOf(files.back, all)).toEqual(rowsOf(files.source, all))
    expect(tablesOf(files.back)).toEqual([...all].sort())
  })

  it('make keys and sequences in Postgres', async () => {
    await copyDatabase({ from: source(), to: postgres() })
    const keys = await database.query(
      `SELECT conrelid::regclass::text AS t, pg_get_constraintdef(oid) AS d, convalidated AS v FROM pg_constraint
       WHERE connamespace = 'copy'::regnamespace AND contype IN ('f', 'u') AND conrelid::regclass::text NOT LIKE '%drover%' ORDER BY conrelid::regclass::text COLLATE "C", pg_get_constraintdef(oid) COLLATE "C"`,
    )
    expect(keys).toEqual([
      { t: 'copy."order"', d: 'FOREIGN KEY ("select") REFERENCES copy.person(id) ON DELETE CASCADE', v: true },
      { t: 'copy.company', d: 'FOREIGN KEY (owner) REFERENCES copy.person(id) DEFERRABLE INITIALLY DEFERRED', v: true },
      { t: 'copy.country', d: 'UNIQUE (name)', v: true },
      {
        t: 'copy.note',
        d: 'FOREIGN KEY ("order", item) REFERENCES copy."order"("select", "From")',
        v: true,
      },
      { t: 'copy.person', d: 'FOREIGN KEY (boss) REFERENCES copy.person(id)', v: true },
      { t: 'copy.person', d: 'FOREIGN KEY (company) REFERENCES copy.company(id) ON DELETE SET NULL', v: true },
      { t: 'copy.person', d: 'FOREIGN KEY (country) REFERENCES copy.country(code) ON UPDATE CASCADE', v: true },
    ])
    expect(await database.query(`INSERT INTO copy.person (name) VALUES ('next') RETURNING id`)).toEqual([
      { id: String(people + 1) },
    ])
  })

  it('are copied once: the second call does nothing', async () => {
    const first = await copyDatabase({ from: source(), to: postgres() })
    const second = await copyDatabase({ from: source(), to: postgres() })
    expect([first.status, second.status]).toEqual(['completed', 'nothing'])
    expect(second.counts).toEqual(first.counts)
  })

  it('begun by several processes at once, are copied once', async () => {
    const options = { from: source(), to: postgres(), whenHeld: 'wait', batchSize: 50 } as const
    const reports = await Promise.all([copyDatabase(options), copyDatabase(options), copyDatabase(options)])
    expect(reports.map(({ attempt }) => attempt.counts.inserted).reduce((sum, rows) => sum + rows)).toBe(records)
    expect(reports.every(({ counts }) => counts.inserted === records)).toBe(true)
  })

  it('are looked at by a dry run, which leaves nothing', async () => {
    const report = await dryRun(databaseCopy({ from: source(), to: sqliteDatabase({ filename: files.back }) }))
    expect(report.problems).toEqual([])
    expect(report.count).toMatchObject({ value: records })
    expect(report.creates).toHaveLength(5)
    expect(existsSync(files.back)).toBe(false)
    const there = await dryRun(databaseCopy({ from: source(), to: postgres() }))
    expect([there.problems, there.creates.length]).toEqual([[], 5])
    expect(await database.query(`SELECT to_regnamespace('copy') AS schema`)).toEqual([{ schema: null }])
  })

  it('within Postgres keep their types', async () => {
    await database.query(`CREATE SCHEMA first; CREATE TYPE first.mood AS ENUM ('good', 'bad');
      CREATE TABLE first.parent (id uuid PRIMARY KEY, at timestamptz(3), n numeric(20, 4) NOT NULL, j jsonb, k json, tags text[], mood first.mood);
      CREATE TABLE first.child (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parent uuid REFERENCES first.parent ON DELETE CASCADE, c varchar(9), UNIQUE (parent, c));
      INSERT INTO first.parent VALUES ('00000000-0000-4000-8000-000000000001', '2026-01-02 03:04:05.678Z', 12345678901234.5678, '{"n": 12345678901234567890.5}', '{"b":1,  "a":2}', '{a,NULL}', 'bad');
      INSERT INTO first.child (parent, c) VALUES ('00000000-0000-4000-8000-000000000001', 'x'), (NULL, NULL)`)
    try {
      const from = postgresDatabase({ connection: database.url, schema: 'first' })
      expect((await copyDatabase({ from, to: postgres() })).counts.inserted).toBe(3)
      const columns = (schema: string) =>
        database.query(
          `SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
           WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND c.relname IN ('parent', 'child') ORDER BY 1, a.attnum`,
          [schema],
        )
      expect(await columns('copy')).toEqual(await columns('first'))
      for (const table of ['parent', 'child']) {
        const rows = (schema: string) => database.query(`SELECT t::text FROM ${schema}.${table} AS t ORDER BY id`)
        expect(await rows('copy')).toEqual(await rows('first'))
      }
      expect(await database.query(`INSERT INTO copy.child (c) VALUES ('next') RETURNING id`)).toEqual([{ id: 3 }])
    } finally {
      await database.query('DROP SCHEMA first CASCADE')
    }
  })

  it('make no record on the way from SQLite to Postgres', async () => {
    const { rows, texts } = DelimitedPage.prototype
    const asked: string[] = []
    DelimitedPage.prototype.rows = function (this: DelimitedPage): readonly Row[] {
      asked.push('rows')
      return rows.call(this)
    }
    DelimitedPage.prototype.texts = function (this: DelimitedPage): Buffer {
      asked.push('texts')
      return texts.call(this)
    }
    try {
      await copyDatabase({ from: source(), to: postgres(), include: ['person', 'country'] })
    } finally {
      Object.assign(DelimitedPage.prototype, { rows, texts })
    }
    expect(new Set(asked)).toEqual(new Set(['texts']))
  })

  it('go on after kill -9', async () => {
    const child = join(import.meta.dirname, 'copy.child.ts')
    const args = [childProgram(child), files.source, database.url, 'copy']
    // When two of the batches of `person` are committed, and the third is under way.
    const { signal } = spawnSync(process.execPath, [...args, '3'], { stdio: 'inherit' })
    expect(signal).toBe('SIGKILL')
    expect(await database.query('SELECT count(*)::int AS n FROM copy.person')).toEqual([{ n: 100 }])
    const { attempt, counts } = await copyDatabase({ name: 'copy', from: source(), to: postgres(), batchSize: 50 })
    expect(attempt.resumed).toBe(true)
    expect([counts.inserted, attempt.counts.inserted]).toEqual([records, records - 102])
    expect(await database.query('SELECT count(*)::int AS n FROM copy.person')).toEqual([{ n: people }])
  }, 60_000)

  it('do what is left if they end between the last row and the foreign keys', async () => {
    const options = { from: source(), to: postgres() }
    const dying: DroverDatabase = {
      ...options.to,
      connect: async (operation) => {
        const session = await options.to.connect(operation)
        session.finish = () => Promise.reject(new Error('it died'))
        return session
      },
    }
    await expect(copyDatabase({ ...options, to: dying })).rejects.toThrow('it died')
    await database.query('ALTER TABLE copy.person ALTER COLUMN id RESTART')
    expect((await copyDatabase(options)).status).toBe('completed')
    await database.query(`INSERT INTO copy.person (name) VALUES ('next')`)
    expect(
      await database.query(`SELECT count(*)::int AS n FROM pg_constraint
        WHERE contype = 'f' AND connamespace = 'copy'::regnamespace AND conrelid::regclass::text NOT LIKE '%drover%'`),
    ).toEqual([{ n: 6 }])
  })

  it('completed by another process while this one begins, are not taken for tables of somebody else', async () => {
    const options = { from: source(), to: postgres(), batchSize: 50 }
    await copyDatabase({ ...options, stopAfter: { records: 120 } })
    let loads = 0
    const store = options.to.stateStore()
    const load: typeof store.load = async (...asked) => {
      if (++loads === 2) await copyDatabase(options)
      return store.load(...asked)
    }
    const state = new Proxy(store, {
      get: (_, name) => {
        if (name === 'load') return load
        const value: unknown = Reflect.get(store, name, store)
        return typeof value === 'function' ? value.bind(store) : value
      },
    })
    const { counts, attempt } = await copyDatabase({ ...options, state })
    await store[Symbol.asyncDispose]()
    expect([loads, counts.inserted, attempt.counts.read]).toEqual([2, records, 0])
  })

  it('stop, and go on where they stand', async () => {
    const options = { from: source(), to: postgres(), batchSize: 20, parallel: 2 }
    const live = startDatabaseCopy(options)
    live.events.on('batch:committed', ({ partition }) => {
      if (partition === 'person') void live.stop()
    })
    const stopped = await live.result
    expect(stopped.status).toBe('stopped')
    expect(stopped.counts.read).toBeLessThan(people)
    const { status, counts } = await copyDatabase(options)
    expect([status, counts.read]).toEqual(['completed', records])
  })

  it('say all that stands in the way before anything is written', async () => {
    await database.query(`CREATE SCHEMA copy; CREATE TABLE copy.country (code text PRIMARY KEY);
      CREATE TABLE copy.company AS SELECT 1::bigint AS id, 1::bigint AS owner, 'x' AS "order", ''::bytea AS photo; CREATE VIEW copy.note AS SELECT 1 AS one`)
    await expect(copyDatabase({ from: source(), to: postgres() })).rejects.toMatchObject({
      code: 'TABLES_REFUSED',
      message: expect.stringMatching(
        /"country": the table that is there has no column "name"[\s\S]*"company": there are rows in it[\s\S]*"note": there is a view/,
      ),
    })
    expect(await database.query(`SELECT to_regclass('copy.person') AS person`)).toEqual([{ person: null }])
  })

  it('names that SQLite takes for one are refused', async () => {
    await database.query(`CREATE SCHEMA copy; CREATE TABLE copy.a (id int PRIMARY KEY, "ID" int);
      CREATE TABLE copy."A" (id int PRIMARY KEY); CREATE TABLE copy.keyless (x int)`)
    await expect(
      copyDatabase({ from: postgres(), to: sqliteDatabase({ filename: files.back }) }),
    ).rejects.toMatchObject({
      message: expect.stringMatching(
        /"keyless": .*key[\s\S]*"A": its name and that of "a"[\s\S]*"a": .*\n.*columns "id" and "ID"/,
      ),
    })
  })

  it('rows that refer to nothing are named when all rows are there, and the next call does what is left', async () => {
    using made = new File(files.source)
    made.exec(
      `PRAGMA foreign_keys = OFF; UPDATE person SET boss = 9999 WHERE id IN (4, 5); UPDATE person SET country = 'xx' WHERE id = 1`,
    )
    const expected = {
      code: 'FOREIGN_KEY_BROKEN',
      message: expect.stringMatching(/"person": 1 row by \(country\) to "country", such as \('?xx'?\)/),
    }
    const back = { from: source(), to: sqliteDatabase({ filename: files.back }) }
    await expect(copyDatabase(back)).rejects.toMatchObject(expected)
    const options = { from: source(), to: postgres() }
    await expect(copyDatabase(options)).rejects.toMatchObject(expected)
    await expect(copyDatabase(options)).rejects.toThrow('2 rows by (boss) to "person", such as (9999), (9999)')
    await database.query(
      `UPDATE copy.person SET boss = NULL WHERE boss = 9999; UPDATE copy.person SET country = NULL WHERE country = 'xx'`,
    )
    expect((await copyDatabase(options)).status).toBe('completed')
    using there = new File(files.back)
    there.exec(
      `PRAGMA foreign_keys = OFF; UPDATE person SET boss = NULL WHERE boss = 9999; UPDATE person SET country = NULL WHERE country = 'xx'`,
    )
    expect((await copyDatabase(back)).status).toBe('completed')
  })
})

/** The sample that `.ci/run` looks for, or any other path of it. */
const chinook = process.env.DROVER_TEST_DATABASE
const isThere = chinook !== undefined && basename(chinook).startsWith('chinook') && existsSync(chinook)
if (!isThere) console.warn('Chinook is not copied: set DROVER_TEST_DATABASE to the path of chinook.sqlite.')

describePostgres('chinook', () => {
  const database = useDatabase()

  it.skipIf(!isThere)('is equal after its way to Postgres and back, keys and foreign keys in place', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'drover-chinook-'))
    const file = join(folder, 'back.db')
    const postgres = postgresDatabase({ connection: database.url })
    const there = await copyDatabase({
      name: 'there',
      from: sqliteDatabase({ filename: chinook as string }),
      to: postgres,
    })
    const back = await copyDatabase({ name: 'back', from: postgres, to: sqliteDatabase({ filename: file }) })
    const tables = tablesOf(chinook as string)
    expect(tables).toHaveLength(11)
    expect([there.counts.inserted, back.counts.inserted]).toEqual([15607, 15607])
    expect(tablesOf(file)).toEqual(tables)
    expect(keysOf(file, tables)).toEqual(keysOf(chinook as string, tables))
    expect(rowsOf(file, tables)).toEqual(rowsOf(chinook as string, tables))
    rmSync(folder, { recursive: true })
  })
})

class File implements Disposable {
  readonly #database
  constructor(file: string) {
    this.#database = new Database(file)
  }

  exec(sql: string): void {
    this.#database.exec(sql)
  }

  all(sql: string): unknown[] {
    return this.#database.prepare(sql).raw().all()
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }
}

function tablesOf(file: string): string[] {
  using database = new File(file)
  const sql = `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'drover%' AND name NOT LIKE 'sqlite%' ORDER BY name`
  return database.all(sql).flat().map(String)
}

function rowsOf(file: string, tables: readonly string[]): unknown[] {
  using database = new File(file)
  return tables.map((table) => database.all(`SELECT * FROM "${table}" ORDER BY 1, 2`))
}

/** Columns with their places in the primary key, and foreign keys. */
function keysOf(file: string, tables: readonly string[]): unknown[] {
  using database = new File(file)
  return tables.map((table) => [
    database.all(`SELECT name, "notnull" OR pk > 0, pk FROM pragma_table_info('${table}')`),
    database.all(
      `SELECT lower("table"), "from", lower(coalesce("to", 'id')), on_update, on_delete FROM pragma_foreign_key_list('${table}') ORDER BY "from"`,
    ),
  ])
}
