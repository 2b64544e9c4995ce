import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { from, ndjsonSink, ndjsonSource, runPipeline } from '@drover/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SqliteValue } from '../connection/sqlite-connection.js'
import { operation, readSource } from '../testing/read-source.js'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { SqliteLinesPage } from './sqlite-page.js'
import { sqliteSource } from './sqlite-source.js'

const values: readonly SqliteValue[] = [
  null,
  0n,
  -7n,
  9007199254740993n,
  -9223372036854775808n,
  0,
  1,
  -0,
  0.1 + 0.2,
  1e22,
  9007199254740992,
  5e-324,
  Number.POSITIVE_INFINITY,
  '',
  '{"$numberLong":"1"}',
  'a\0b "c" \\ \n \u2028 🐑 </script>',
  '1',
  new Uint8Array([0, 255]),
]

describe.each(drivers)('SQLite to NDJSON by %s', (driver) => {
  let database: TestDatabase

  beforeEach(() => {
    database = new TestDatabase(driver)
  })

  afterEach(() => database[Symbol.asyncDispose]())

  const columns = 'id INTEGER PRIMARY KEY, i INTEGER, r REAL, t TEXT, n NUMERIC, "any ""one""" BLOB'

  /** What columns of those affinities are there for; SQLite itself writes all of it. */
  const ordinary: readonly (readonly SqliteValue[])[] = [
    [0n, 0, '', 1.5, 1n],
    [-7n, 0.1 + 0.2, '{"$numberLong":"1"}', 3n, 1],
    [9007199254740993n, 1e22, 'a\0b "c" \\ \n \u2028 🐑 </script>', 'word', 9223372036854775807n],
    [-9223372036854775808n, 5e-324, '1', null, -2.5],
    [null, null, null, -1e300, '1.0'],
    [1n, 9007199254740992, 'é', 0.1, null],
  ]

  it.each([
    ['ordinary values', ordinary, true],
    ['every value in every column', values.map((value) => Array<SqliteValue>(5).fill(value)), false],
  ])('writes rows of %s as it would write their records', async (_, rows, asLines) => {
    await database.exec(`CREATE TABLE t (${columns})`)
    await using connection = await database.open()
    await connection.transaction(async () => {
      for (const row of rows) {
        await connection.run('INSERT INTO t (i, r, t, n, "any ""one""") VALUES (?, ?, ?, ?, ?)', row)
      }
    })
    const source = sqliteSource({ filename: database.file, driver, table: 't' })
    const path = (name: string) => join(database.folder, `${name}.ndjson`)
    const state = { deadLetters: join(database.folder, 'dead') }
    await runPipeline({ name: 'lines', source, sink: ndjsonSink({ path: path('lines') }), ...state })
    const flow = from(source).pipe((record) => ({ ...record }))
    await runPipeline({ name: 'records', source: flow, sink: ndjsonSink({ path: path('records') }), ...state })
    await using session = await source.connect(operation)
    const schema = await session.describe(operation)
    const read = async (name: string) => (await readSource(ndjsonSource({ path: path(name), schema }))).rows
    const records = await read('records')
    expect(records).toHaveLength(rows.length)
    expect(await read('lines')).toEqual(records)
    const direct = await readSource(source, { asking: 'lines' })
    expect(direct.pages[0] instanceof SqliteLinesPage).toBe(asLines)
    expect(direct.rows).toEqual(records)
  })

  it('copies the lines that SQLite wrote, byte by byte', async () => {
    await database.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, big INT, name TEXT, price REAL);
      INSERT INTO t VALUES (1, 9007199254740993, 'é"', 0.1), (2, NULL, '', 1.5)`)
    const source = sqliteSource({ filename: database.file, driver, table: 't' })
    const { pages } = await readSource(source, { asking: 'lines' })
    expect(pages[0]).toBeInstanceOf(SqliteLinesPage)
    const path = join(database.folder, 'out.ndjson')
    await runPipeline({ name: 'lines', source, sink: ndjsonSink({ path }) })
    expect(readFileSync(path, 'utf8')).toBe(
      '{"id":1,"big":9007199254740993,"name":"é\\"","price":0.1}\n{"id":2,"big":null,"name":"","price":1.5}\n',
    )
  })
})
