import type { Row } from '@drover/core'
import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readCatalog } from '../catalog/read-catalog.js'
import type { Condition, ConditionContext } from '../contracts/condition.js'
import type { Dialect } from '../contracts/migration.js'
import { checkConditions } from './check-conditions.js'
import { foreignKeysHold, integrityCheck } from './integrity.js'
import { named } from './named.js'
import { noNulls, noRows, rowCount, rowCountsUnchanged, rowVersionIs, sqlHolds, validJson } from './rows.js'
import { columnExists, columnMissing, indexValid, tableExists, tableMissing, viewExists } from './structure.js'

const script = `
CREATE TABLE planners (id INTEGER PRIMARY KEY, status TEXT, metadata TEXT, schema_version INTEGER);
CREATE TABLE workers (id INTEGER PRIMARY KEY, planner_id INTEGER REFERENCES planners (id), note TEXT);
CREATE INDEX by_note ON workers (note);
CREATE VIEW busy AS SELECT id FROM workers;
INSERT INTO planners VALUES (1, 'new', '{"a":1}', 1), (2, NULL, '{bad', 2), (3, NULL, NULL, NULL);
INSERT INTO workers VALUES (1, 1, 'x'), (2, 1, 'y');
`

type Query = (sql: string, values?: readonly unknown[]) => Promise<readonly Row[]>

function suite(dialect: Dialect, query: Query, orphan: () => Promise<void>): void {
  const context = async (before: Record<string, number> = {}): Promise<ConditionContext> => ({
    dialect,
    query,
    catalog: () => readCatalog(query, dialect),
    before: { catalog: await readCatalog(query, dialect), rows: new Map(Object.entries(before)) },
    signal: new AbortController().signal,
  })
  const failure = async (condition: Condition, before?: Record<string, number>): Promise<string> => {
    const error = await checkConditions([condition], await context(before), 'here').then(
      () => null,
      (thrown: unknown) => thrown,
    )
    return error === null ? 'holds' : ((error as Error).message.split('\n- ')[1] ?? '')
  }

  it.each([
    [tableExists('planners'), 'holds'],
    [tableExists('plans'), 'table plans exists: there is no such table'],
    [tableMissing('plans'), 'holds'],
    [tableMissing('planners'), 'there is no table planners: the table is there already'],
    [columnExists('planners', 'status', 'title'), 'planners has status, title: it lacks title'],
    [columnMissing('planners', 'title'), 'holds'],
    [columnMissing('planners', 'status'), 'planners has no status: it has status already'],
    [columnMissing('plans', 'status'), 'plans has no status: there is no table plans'],
    [indexValid('by_note'), 'holds'],
    [indexValid('by_nothing'), 'by_nothing valid: there is no by_nothing'],
    [viewExists('busy'), 'holds'],
    [viewExists('idle'), 'view idle exists: there is no such view'],
    [noNulls('planners', 'id'), 'holds'],
    [
      noNulls('planners', 'id', 'status'),
      'no NULL in planners.id, planners.status: status is NULL in 2 rows (id 2, id 3)',
    ],
    [noRows('workers', "note = 'z'"), 'holds'],
    [noRows('workers', "note = 'y'"), "no row of workers where note = 'y': it holds of 1 row (id 2)"],
    [rowCount('workers', 2), 'holds'],
    [rowCount('workers', 6513, "note <> ''"), "6513 rows of workers where note <> '': there are 2"],
    [validJson('planners', 'metadata'), 'planners.metadata is JSON: it does not parse in 1 row (id 2)'],
    [
      rowVersionIs('planners', 1),
      expect.stringMatching(/it is (2 in 1 rows, NULL in 1 rows|NULL in 1 rows, 2 in 1 rows)$/),
    ],
    [sqlHolds('SELECT count(*) = 2 FROM workers'), 'holds'],
    [sqlHolds('SELECT count(*) = 3 FROM workers'), expect.stringContaining('it gives ')],
    [named('mine', () => false), 'mine'],
    [named('mine', async () => 'because'), 'mine: because'],
    [named('mine', () => Promise.reject(new Error('it broke'))), 'mine: it broke'],
  ])('%o', async (condition, said) => {
    expect(await failure(condition)).toEqual(said)
  })

  it('compares rows with what was counted before', async () => {
    expect(await failure(rowCountsUnchanged(), { planners: 3, workers: 2 })).toBe('holds')
    expect(await failure(rowCountsUnchanged(), { planners: 3, workers: 300, plans: 4 })).toBe(
      'as many rows as before: workers had 300 rows and has 2; plans is gone, with 4 rows',
    )
    expect(await failure(rowCountsUnchanged('workers'), {})).toContain('not among the tables that the revision touches')
  })

  it('finds rows that refer to nothing', async () => {
    expect(await failure(integrityCheck())).toBe('holds')
    await orphan()
    expect(await failure(foreignKeysHold())).toContain('1 rows of workers refer to nothing in planners')
    expect(await failure(foreignKeysHold('planners'))).toBe('holds')
    expect(await failure(integrityCheck())).toContain('1 rows of workers')
  })
}

describe('conditions in SQLite', () => {
  const database = new Database(':memory:')
  database.exec(script)
  afterAll(() => void database.close())
  suite(
    'sqlite',
    async (sql, values = []) => database.prepare(sql).all(...values) as never,
    async () => void database.exec('PRAGMA foreign_keys = off; INSERT INTO workers VALUES (3, 9, NULL)'),
  )
})

describePostgres('conditions in PostgreSQL', () => {
  const database = useDatabase()
  beforeAll(async () => void (await database.query(script)))
  suite('postgres', database.query, async () => {
    await database.query("SET session_replication_role = 'replica'")
    await database.query('INSERT INTO workers VALUES (3, 9, NULL)')
  })

  it('says that an index is invalid', async () => {
    await database.query("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'by_note'::regclass")
    const query = database.query
    const catalog = await readCatalog(query, 'postgres')
    const asked = {
      dialect: 'postgres' as const,
      query,
      catalog: async () => catalog,
      before: { catalog, rows: new Map() },
      signal: new AbortController().signal,
    }
    await expect(checkConditions([indexValid('by_note')], asked, 'here')).rejects.toThrow(
      'by_note is invalid: DROP INDEX CONCURRENTLY',
    )
  })
})
