import { describe, expect, it } from 'vitest'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { sqliteDatabase } from './sqlite-database.js'

const { signal } = new AbortController()

describe.each(drivers)('the tables of a database: %s', (driver) => {
  async function contentsOf(sql: string, options: object = {}) {
    await using database = new TestDatabase(driver)
    await database.exec(sql)
    await using session = await sqliteDatabase({ filename: database.file, driver, ...options }).connect({
      signal,
      role: 'from',
    })
    return await session.tables({ signal })
  }
  const tableOf = async (sql: string) => (await contentsOf(sql)).tables.find(({ name }) => name === 't')

  it('are all but those of SQLite and Drover; views and virtual tables are said', async () => {
    const sql = `CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT); CREATE VIEW v AS SELECT 1; CREATE VIRTUAL TABLE words USING fts5 (text);
      CREATE TABLE DROVER_runs (x); CREATE TABLE ours_runs (x)`
    const { tables, leftOut } = await contentsOf(sql)
    expect(tables.map(({ name }) => name)).toEqual(['a', 'ours_runs'])
    expect(leftOut).toEqual([
      { name: 'v', what: 'a view' },
      { name: 'words', what: 'a virtual table' },
    ])
    const other = await contentsOf(sql, { tablePrefix: 'ours_' })
    expect(other.tables.map(({ name }) => name)).toEqual(['DROVER_runs', 'a'])
  })

  it('have foreign keys with the names that stand in the schema, in the order in which they stand', async () => {
    const table = await tableOf(`CREATE TABLE "Par ent" (A, B, PRIMARY KEY (B, A));
      CREATE TABLE t (x, Y, z INTEGER REFERENCES t (ID) ON UPDATE SET DEFAULT, id INTEGER PRIMARY KEY,
        FOREIGN KEY (y, X) REFERENCES "par ent" ON DELETE RESTRICT, FOREIGN KEY (z) REFERENCES gone)`)
    expect(table?.foreignKeys).toEqual([
      { columns: ['z'], references: 't', referencedColumns: ['id'], onUpdate: 'set default' },
      { columns: ['Y', 'x'], references: 'Par ent', referencedColumns: ['B', 'A'], onDelete: 'restrict' },
      { columns: ['z'], references: 'gone', referencedColumns: [''] },
    ])
    expect(table?.counted).toBe('id')
  })

  it('have deferred keys where all are, and say so where some are', async () => {
    const deferred = 'REFERENCES t DEFERRABLE INITIALLY DEFERRED'
    const all = await tableOf(`CREATE TABLE t (id INTEGER PRIMARY KEY, a INT ${deferred}, b INT ${deferred})`)
    expect(all?.foreignKeys.map(({ isDeferred }) => isDeferred)).toEqual([true, true])
    const some = await tableOf(`CREATE TABLE t (id INTEGER PRIMARY KEY, a INT ${deferred}, b INT REFERENCES t)`)
    expect(some?.foreignKeys.map(({ isDeferred }) => isDeferred)).toEqual([undefined, undefined])
    expect(some?.notes).toEqual([expect.stringContaining('SQLite does not say which')])
    const never = await tableOf(
      `CREATE TABLE t (id INTEGER PRIMARY KEY, a INT NOT NULL ${deferred.replace(' DEF', ' NOT DEF')})`,
    )
    expect(never?.foreignKeys[0]).not.toHaveProperty('isDeferred')
  })

  it('have unique keys over whole columns, null or not, and a problem where a key is null', async () => {
    const unique = await tableOf(
      'CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE, b, c, UNIQUE (b, c)); CREATE UNIQUE INDEX i ON t (a) WHERE b; CREATE UNIQUE INDEX j ON t (a + 1)',
    )
    expect(unique?.uniqueKeys).toEqual([['a'], ['b', 'c']])
    const nulls = await tableOf('CREATE TABLE t (id TEXT PRIMARY KEY); INSERT INTO t VALUES (NULL)')
    expect(nulls?.problems).toEqual([expect.stringContaining('the key (id) is null')])
  })
})
