import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import Database from 'better-sqlite3'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Read, readCatalog } from '../catalog/read-catalog.js'
import { rowCounts } from '../catalog/row-counts.js'
import type { Catalog } from '../contracts/catalog.js'
import type { PlannedRevision } from '../contracts/plan.js'
import type { RecordedStep } from '../contracts/steps.js'
import { refuseLostRows } from './loss-detector.js'
import { lossesOf, lossSaid } from './losses.js'
import { canLoseRows, mayFire, touchedTables } from './touched-tables.js'

const script = `
CREATE TABLE planners (id INTEGER PRIMARY KEY, pruned BOOLEAN NOT NULL DEFAULT false, pruning_count INTEGER NOT NULL DEFAULT 0, label VARCHAR(20) DEFAULT 'it''s', seen TEXT);
CREATE TABLE workers (id INTEGER PRIMARY KEY, planner_id INTEGER REFERENCES planners (id) ON DELETE CASCADE);
CREATE TABLE other (id INTEGER PRIMARY KEY);
INSERT INTO planners VALUES (1, false, 0, 'it''s', NULL), (2, true, 3, 'it''s', NULL), (3, false, 1, 'x', NULL);
INSERT INTO workers VALUES (1, 1), (2, 2);
INSERT INTO other VALUES (1);
`
const step = (sql: string, by?: string): RecordedStep => ({ kind: 'sql', sql, ...(by === undefined ? {} : { by }) })
const planned = (id: string, ...steps: RecordedStep[]): PlannedRevision => ({
  migration: { id, up: () => {} },
  direction: 'down',
  steps,
  checksum: '',
})

function open(): { database: Database.Database; read: Read } {
  const database = new Database(':memory:')
  database.exec(script)
  return { database, read: async (sql, values = []) => database.prepare(sql).all(...values) as never }
}

function saysLosses(read: () => Read, dialect: 'postgres' | 'sqlite'): void {
  it('counts values that are not the default, and rows of tables', async () => {
    const catalog = await readCatalog(read(), dialect)
    const drop = (column: string) => step(`ALTER TABLE planners DROP COLUMN ${column}`)
    const losses = await lossesOf(
      [
        planned('003', drop('pruned'), drop('pruning_count'), drop('label'), drop('seen'), drop('never_there')),
        planned('002', step('DROP TABLE workers')),
      ],
      catalog,
      read(),
    )
    expect(losses.map((loss) => `${loss.revision} ${lossSaid(loss)}`)).toEqual([
      '003 planners.pruned: 1 rows hold a value other than the default',
      '003 planners.pruning_count: 2 rows hold a value other than the default',
      '003 planners.label: 1 rows hold a value other than the default',
      '002 workers: 2 rows',
    ])
  })

  it('knows what a copy leaves out, and what was archived', async () => {
    const catalog = await readCatalog(read(), dialect)
    const copy = step(
      'INSERT INTO "new planners" (id, pruned) SELECT id, pruned FROM planners',
      'rebuildTable planners',
    )
    const archive = step('CREATE TABLE a AS SELECT * FROM planners', 'archiveTable planners')
    expect((await lossesOf([planned('003', archive, copy)], catalog, read())).map(lossSaid)).toEqual([
      'planners.pruning_count: 2 rows hold a value other than the default (archived)',
      'planners.label: 1 rows hold a value other than the default (archived)',
    ])
  })
}

describe('losses in SQLite', () => {
  const { read } = open()
  saysLosses(() => read, 'sqlite')
})

describePostgres('losses in PostgreSQL', () => {
  const database = useDatabase()
  beforeAll(async () => void (await database.query(script)))
  saysLosses(() => database.query, 'postgres')
})

describe('touched tables', () => {
  it('are those that the steps speak of and those that refer to them', async () => {
    const catalog = await readCatalog(open().read, 'sqlite')
    expect(touchedTables([step('ALTER TABLE "Planners" ADD x')], catalog)).toEqual(['planners', 'workers'])
    expect(touchedTables([step("INSERT INTO workers VALUES ('planners')")], catalog)).toEqual(['workers'])
    expect(touchedTables([{ kind: 'unseen', about: 'rows' }], catalog)).toEqual(['planners', 'workers', 'other'])
  })

  it('are not counted for what takes no rows away', () => {
    expect(canLoseRows([step('ALTER TABLE planners ADD x'), step('CREATE INDEX i ON planners (x)')], 'postgres')).toBe(
      false,
    )
    expect(canLoseRows([step('DELETE FROM planners WHERE id = 1')], 'postgres')).toBe(true)
    expect(canLoseRows([step('CREATE TABLE x (y)', 'rebuildTable planners')], 'sqlite')).toBe(true)
    const sure = ['REPLACE INTO planners VALUES (1)', 'WITH a AS (SELECT 1) DELETE FROM planners']
    for (const sql of [...sure, 'UPDATE OR REPLACE planners SET id = 2', 'INSERT OR REPLACE INTO planners VALUES (1)'])
      expect([sql, canLoseRows([step(sql)], 'sqlite')]).toEqual([sql, true])
  })

  it('are counted where a trigger or a REPLACE may answer to rows that come in', async () => {
    const { database, read } = open()
    database.exec(`CREATE TRIGGER t AFTER INSERT ON other BEGIN DELETE FROM workers; END;
CREATE TRIGGER u AFTER INSERT ON workers BEGIN INSERT INTO planners (id) VALUES (9); END;
CREATE TABLE once (a UNIQUE ON CONFLICT REPLACE);`)
    const catalog = await readCatalog(read, 'sqlite')
    const fires = (sql: string) => mayFire([step(sql)], catalog)
    expect([fires('INSERT INTO other VALUES (2)'), fires('INSERT INTO once VALUES (2)')]).toEqual([true, true])
    expect([fires('INSERT INTO workers VALUES (9, 1)'), fires('ALTER TABLE other ADD x')]).toEqual([false, false])
  })
})

describe('refuseLostRows', () => {
  const run = async (statements: readonly string[], by?: string): Promise<void> => {
    const { database, read } = open()
    const catalog = await readCatalog(read, 'sqlite')
    const before = { catalog, rows: await rowCounts(read, ['planners', 'workers', 'other'], 'sqlite') }
    for (const each of statements) database.exec(each)
    await refuseLostRows(
      statements.map((sql) => step(sql, by)),
      before,
      await readCatalog(read, 'sqlite'),
      read,
    )
  }

  it('refuses a rebuild that took the children along', async () => {
    const rebuild = [
      'CREATE TABLE n AS SELECT * FROM planners',
      'DROP TABLE planners',
      'ALTER TABLE n RENAME TO planners',
    ]
    await expect(run(rebuild, 'rebuildTable planners')).rejects.toThrow('workers had 2 rows and has 0')
  })

  it('refuses a copy that leaves rows out, and a table that is gone by something else than DROP', async () => {
    const copy = [
      'PRAGMA foreign_keys = off',
      'CREATE TABLE n AS SELECT * FROM planners WHERE pruned',
      'DROP TABLE planners',
      'ALTER TABLE n RENAME TO planners',
    ]
    await expect(run(copy, 'rebuildTable planners')).rejects.toThrow('planners had 3 rows and has 1')
  })

  it('bears what the revision asks for', async () => {
    await run(['DELETE FROM planners WHERE id = 1'])
    await run(['DROP TABLE other'])
    await run(['ALTER TABLE other RENAME TO another', 'ALTER TABLE another RENAME TO third'])
    await run(['INSERT INTO other VALUES (7)'])
  })

  it('knows a table again that was renamed and then dropped', async () => {
    await run([
      'CREATE TABLE n AS SELECT * FROM other',
      'ALTER TABLE other RENAME TO other_old',
      'ALTER TABLE n RENAME TO other',
      'DROP TABLE other_old',
    ])
  })

  it('bears what TRUNCATE … CASCADE and DROP SCHEMA … CASCADE are for, and says it beforehand', async () => {
    const table = (name: string, parent?: string): Catalog['tables'][number] => {
      const key = {
        columns: ['a'],
        references: ['id'],
        onDelete: 'no action',
        onUpdate: 'no action',
        isValid: true,
      } as const
      const foreignKeys = parent === undefined ? [] : [{ ...key, table: parent }]
      return { name, columns: [], primaryKey: [], uniques: [], checks: [], foreignKeys, indexes: [] }
    }
    const tables = [table('calls'), table('parts', 'calls'), table('words', 'parts'), table('chat.old')]
    const catalog: Catalog = {
      dialect: 'postgres',
      tables,
      views: [],
      triggers: [],
      enums: [],
      sequences: [],
      others: [],
    }
    const read: Read = async () => [{ rows: 2 }]
    const said = async (sql: string) => (await lossesOf([planned('001', step(sql))], catalog, read)).map(lossSaid)
    expect(await said('TRUNCATE calls CASCADE')).toEqual(['calls: 2 rows', 'parts: 2 rows', 'words: 2 rows'])
    expect(await said('DROP SCHEMA chat CASCADE')).toEqual(['chat.old: 2 rows'])
    const rows = new Map(tables.map(({ name }) => [name, 2]))
    const none: Read = async (sql) => (sql.match(/SELECT \d+/g) ?? []).map((_, place) => ({ place, rows: 2 }))
    const steps = [step('TRUNCATE calls CASCADE'), step('DROP SCHEMA chat CASCADE')]
    await refuseLostRows(steps, { catalog, rows }, { ...catalog, tables: [] }, none)
  })

  it('tells tables of one name in two schemas apart, and takes a dot in SQLite for a part of the name', async () => {
    const table = (name: string) => ({
      name,
      columns: [],
      primaryKey: [],
      uniques: [],
      checks: [],
      foreignKeys: [],
      indexes: [],
    })
    const catalog = (dialect: 'postgres' | 'sqlite'): Catalog => {
      const tables = [table('calls'), table('archive.calls')]
      return { dialect, tables, views: [], triggers: [], enums: [], sequences: [], others: [] }
    }
    const counted =
      (expected: string, ...counts: readonly number[]): Read =>
      async (sql) => {
        expect(sql).toContain(expected)
        return counts.map((rows, place) => ({ place, rows }))
      }
    const rows = new Map([
      ['calls', 3],
      ['archive.calls', 1],
    ])
    const compare = (dialect: 'postgres' | 'sqlite', statement: string, read: Read) =>
      refuseLostRows([step(statement)], { catalog: catalog(dialect), rows }, catalog(dialect), read)
    await compare('postgres', 'DO $$ BEGIN END $$', counted('"archive"."calls"', 3, 1))
    await compare('postgres', 'DELETE FROM public.calls', counted('"archive"."calls"', 1))
    const lost = compare('postgres', 'DELETE FROM archive.calls', counted('FROM "calls"', 1))
    await expect(lost).rejects.toThrow('calls had 3 rows and has 1')
    await compare('sqlite', 'DELETE FROM calls', counted('"archive.calls"', 1))
  })

  it('refuses rows that went with a name', async () => {
    await expect(
      run(['CREATE TRIGGER t AFTER INSERT ON other BEGIN DELETE FROM workers; END', 'INSERT INTO other VALUES (7)']),
    ).rejects.toMatchObject({
      code: 'LOSS_REFUSED',
    })
  })
})
