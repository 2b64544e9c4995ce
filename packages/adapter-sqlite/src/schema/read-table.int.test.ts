import { describe, expect, it } from 'vitest'
import { openSqlite } from '../connection/open-sqlite.js'
import { affinityOf } from './affinity.js'
import { readTable, requireTable } from './read-table.js'

describe.each(['better-sqlite3', 'sqlite3'] as const)('the schema by %s', (driver) => {
  async function tableOf(sql: string, name = 't') {
    await using connection = await openSqlite({ filename: ':memory:', driver })
    await connection.exec(sql)
    return await readTable(connection, name)
  }

  it('knows the alias of the rowid, and what only looks like one', async () => {
    expect(await tableOf('CREATE TABLE t (id INTEGER PRIMARY KEY, v)')).toMatchObject({
      rowidAlias: 'id',
      primaryKey: ['id'],
      rowid: 'rowid',
      columns: [
        { name: 'id', isNullable: false },
        { name: 'v', isNullable: true },
      ],
    })
    expect(await tableOf('CREATE TABLE t (id INT PRIMARY KEY)')).toMatchObject({ rowidAlias: null, primaryKey: ['id'] })
    expect(await tableOf('CREATE TABLE t (id INTEGER PRIMARY KEY DESC)')).toMatchObject({ rowidAlias: null })
    expect(await tableOf('CREATE TABLE t (id INTEGER, PRIMARY KEY (id DESC))')).toMatchObject({ rowidAlias: 'id' })
    expect(await tableOf('CREATE TABLE t (id INTEGER PRIMARY KEY) WITHOUT ROWID')).toMatchObject({
      rowidAlias: null,
      rowid: null,
      isWithoutRowid: true,
      columns: [{ isNullable: false }],
    })
  })

  it('gives a composite primary key in its own order', async () => {
    expect(await tableOf('CREATE TABLE t (a, b, c, PRIMARY KEY (c, a))')).toMatchObject({ primaryKey: ['c', 'a'] })
  })

  it('finds a name for the rowid that no column hides', async () => {
    expect(await tableOf('CREATE TABLE t (rowid TEXT)')).toMatchObject({ rowid: '_rowid_' })
    expect(await tableOf('CREATE TABLE t (ROWID, oid, _rowid_)')).toMatchObject({ rowid: null })
  })

  it('lists unique indexes over columns that cannot be null, and no others', async () => {
    const table = await tableOf(`CREATE TABLE t (a TEXT NOT NULL UNIQUE, b UNIQUE, c NOT NULL, d NOT NULL);
      CREATE UNIQUE INDEX i ON t (c, d); CREATE UNIQUE INDEX j ON t (c) WHERE d > 1; CREATE UNIQUE INDEX k ON t (c + 1)`)
    expect(table?.uniqueKeys).toEqual([['c', 'd'], ['a']])
  })

  it('reads generated columns, STRICT tables, views and any name', async () => {
    const table = await tableOf(
      `CREATE TABLE "x""; drop table y" (a INT, "b c" INT AS (a + 1) STORED, v ANY) STRICT`,
      'X"; DROP table y',
    )
    expect(table).toMatchObject({ name: 'x"; drop table y', isStrict: true, kind: 'table' })
    expect(table?.columns).toMatchObject([
      { name: 'a', declared: 'INT', affinity: 'INTEGER', type: { kind: 'int' }, isGenerated: false },
      { name: 'b c', declared: 'INT', isGenerated: true },
      { name: 'v', declared: 'ANY', affinity: 'BLOB', type: { kind: 'any' } },
    ])
    expect(await tableOf('CREATE TABLE u (a VARCHAR(9)); CREATE VIEW t AS SELECT a, a || 1 AS b FROM u')).toMatchObject(
      {
        kind: 'view',
        rowid: null,
        columns: [{ name: 'a', declared: 'VARCHAR(9)' }, { name: 'b' }],
      },
    )
  })

  it('names the nearest tables when one does not exist', async () => {
    await using connection = await openSqlite({ filename: ':memory:', driver })
    await connection.exec('CREATE TABLE messages (v); CREATE TABLE calls (v)')
    await expect(requireTable(connection, 'mesages')).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: ':memory:: there is no table or view "mesages"; did you mean "messages"? There are: calls, messages.',
    })
  })
})

describe('the affinity of a declared type', () => {
  it.each([
    ['INTEGER', 'INTEGER'],
    ['bigint', 'INTEGER'],
    ['CHARINT', 'INTEGER'],
    ['FLOATING POINT', 'INTEGER'],
    ['NVARCHAR(160)', 'TEXT'],
    ['clob', 'TEXT'],
    ['', 'BLOB'],
    ['BLOB', 'BLOB'],
    ['DOUBLE PRECISION', 'REAL'],
    ['NUMERIC(10,2)', 'NUMERIC'],
    ['BOOLEAN', 'NUMERIC'],
    ['DATETIME', 'NUMERIC'],
    ['STRING', 'NUMERIC'],
    ['ANY', 'NUMERIC'],
  ])('of "%s" is %s', (declared, affinity) => {
    expect(affinityOf(declared)).toBe(affinity)
  })

  it('of ANY in a STRICT table is none', () => {
    expect(affinityOf('ANY', true)).toBe('BLOB')
  })
})
