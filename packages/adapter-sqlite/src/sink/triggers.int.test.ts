import type { Row } from '@drover/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { failure, TestLane } from '../testing/test-lane.js'
import { type SqliteSinkOptions, sqliteSink } from './sqlite-sink.js'

const rows = (count: number, from = 1): Row[] =>
  Array.from({ length: count }, (_, i) => ({ id: from + i, name: `name ${from + i}` }))

describe.each(drivers)('triggers of the table, over %s', (driver) => {
  let database: TestDatabase

  beforeEach(async () => {
    database = new TestDatabase(driver)
    await database.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE log (id INTEGER, what TEXT)`)
  })

  afterEach(() => database[Symbol.asyncDispose]())

  const lane = (options: Partial<SqliteSinkOptions> = {}, run = 'run') =>
    TestLane.open(sqliteSink({ filename: database.file, driver, table: 't', ...options }), { run })

  it('fire once for each row, and their rows are not counted', async () => {
    await database.exec(`
      CREATE TRIGGER inserted AFTER INSERT ON t BEGIN INSERT INTO log VALUES (NEW.id, 'inserted'); END;
      CREATE TRIGGER updated AFTER UPDATE ON t BEGIN INSERT INTO log VALUES (NEW.id, 'updated'); END;
    `)
    await using first = await lane()
    expect(await first.write(rows(1234))).toEqual({ inserted: 1234, updated: 0, skipped: 0 })
    await using second = await lane({ onConflict: 'update' }, 'second')
    expect(await second.write(rows(234, 1101))).toEqual({ inserted: 100, updated: 134, skipped: 0 })
    expect(await database.exact('SELECT what, count(*), count(DISTINCT id) FROM log GROUP BY what')).toEqual([
      ['inserted', 1334n, 1334n],
      ['updated', 134n, 134n],
    ])
  })

  it('that leave a row out with RAISE(IGNORE) make it a skipped one', async () => {
    await database.exec(`CREATE TRIGGER odd BEFORE INSERT ON t WHEN NEW.id % 2 = 1 BEGIN SELECT RAISE(IGNORE); END`)
    for (const [i, onConflict] of (['error', 'update'] as const).entries()) {
      await using one = await lane({ onConflict }, onConflict)
      expect(await one.write(rows(300, 1 + 300 * i), 70)).toEqual({ inserted: 150, updated: 0, skipped: 150 })
    }
    expect(await database.value('SELECT count(*) FROM t')).toBe(300)
  })

  it('keep the conflict clauses of their own statements', async () => {
    await database.exec(`
      CREATE TABLE names (name TEXT PRIMARY KEY, last INTEGER);
      CREATE TRIGGER names BEFORE INSERT ON t BEGIN
        INSERT OR IGNORE INTO names VALUES ('all', 0);
        INSERT OR REPLACE INTO names VALUES ('last', NEW.id);
      END;
    `)
    await using one = await lane()
    expect(await one.write(rows(250))).toEqual({ inserted: 250, updated: 0, skipped: 0 })
    await using two = await lane({ onConflict: 'update' }, 'two')
    expect(await two.write(rows(10, 246))).toEqual({ inserted: 5, updated: 5, skipped: 0 })
    expect(await database.exact('SELECT * FROM names')).toEqual([
      ['all', 0n],
      ['last', 255n],
    ])
  })

  it.each(['ABORT', 'FAIL', 'ROLLBACK'])(
    'that refuse a row with RAISE(%s) leave nothing of the batch',
    async (raise) => {
      await database.exec(
        `CREATE TRIGGER no BEFORE INSERT ON t WHEN NEW.name = 'bad' BEGIN SELECT RAISE(${raise}, 'not this one'); END`,
      )
      await using one = await lane()
      await one.write(rows(3, 10_000))
      const batch = rows(1234).map((row, i) => (i === 777 ? { ...row, name: 'bad' } : row))
      for (const attempt of [() => one.write(batch), () => one.probe(batch, 100)]) {
        const error = await failure(attempt)
        expect(error.code).toBe('RECORD_REFUSED')
        expect(error.message).toContain('not this one')
        // After ROLLBACK nobody can look for the row: the engine does, by probes.
        expect([777, ...(raise === 'ROLLBACK' ? [undefined] : [])]).toContain(error.row)
        expect(await database.value('SELECT count(*) FROM t')).toBe(3)
      }
      expect(await one.write(rows(777))).toEqual({ inserted: 777, updated: 0, skipped: 0 })
      expect(await database.value('SELECT count(*) FROM t')).toBe(780)
    },
  )

  it('end the transaction though a statement is under way, and leave nothing', async () => {
    // A page without a key: every statement that came too late would be committed by itself.
    await database.exec(`CREATE TABLE free (id INTEGER, name TEXT);
      CREATE TRIGGER no BEFORE INSERT ON free WHEN NEW.id = 150 BEGIN SELECT RAISE(ROLLBACK, 'over'); END`)
    await using one = await lane({ table: 'free' })
    for (let i = 0; i < 3; i++) {
      expect(await failure(one.write(rows(5000), 2500))).toMatchObject({ code: 'RECORD_REFUSED' })
      expect(await database.value('SELECT count(*) FROM free')).toBe(0)
    }
    expect(await one.write(rows(149))).toEqual({ inserted: 149, updated: 0, skipped: 0 })
  })

  it('that insert into the table themselves are not counted', async () => {
    await database.exec(`CREATE TRIGGER twin AFTER INSERT ON t WHEN NEW.id < 1000 BEGIN
      INSERT INTO t VALUES (NEW.id + 1000, NEW.name) ON CONFLICT (id) DO NOTHING; END`)
    await using one = await lane({ onConflict: 'update' })
    expect(await one.write(rows(20))).toEqual({ inserted: 20, updated: 0, skipped: 0 })
    expect(await one.write([...rows(5, 16), ...rows(5, 1016)])).toEqual({ inserted: 0, updated: 10, skipped: 0 })
    expect(await one.write(rows(10, 18))).toEqual({ inserted: 7, updated: 3, skipped: 0 })
  })
})
