import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SqliteValue } from '../connection/sqlite-connection.js'
import { askings, operation, readSession, readSource } from '../testing/read-source.js'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { sqliteSource } from './sqlite-source.js'

const integer = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const near = fc.integer({ min: -3, max: 3 }).map(BigInt)
const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 4 }), fc.constantFrom('a', 'A', 'ä', '', '\ufffd', '🐑'))
const bytes = fc.uint8Array({ maxLength: 3 })
const value = fc.oneof(near, integer, fc.double({ noNaN: true }), text, bytes)

const keyspaces = [
  ['an INTEGER PRIMARY KEY', 'k INTEGER PRIMARY KEY', '', fc.oneof(near, integer)],
  ['a text key', 'k TEXT PRIMARY KEY NOT NULL', '', text],
  ['a text key without regard to case', 'k TEXT COLLATE NOCASE PRIMARY KEY', 'WITHOUT ROWID', text],
  ['a key of any type', 'k PRIMARY KEY NOT NULL', 'WITHOUT ROWID', value],
  ['a NUMERIC key', 'k NUMERIC PRIMARY KEY NOT NULL', '', value],
] as const

describe.each(drivers)('reading by key with %s', (driver) => {
  let database: TestDatabase

  beforeAll(() => {
    database = new TestDatabase(driver)
  })

  afterAll(() => database[Symbol.asyncDispose]())

  it.each(keyspaces)(
    'gives every row once, in order, by %s, whatever the pages and partitions',
    async (_, column, tail, key) => {
      const page = fc.record({ records: fc.integer({ min: 1, max: 9 }), bytes: fc.integer({ min: 1, max: 200 }) })
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(key, value), { maxLength: 30 }),
          page,
          fc.constantFrom(...askings),
          fc.integer({ min: 2, max: 5 }),
          async (rows, limits, asking, count) => {
            await fill(database, `k${column.slice(1)}, v`, tail, rows)
            const expected = await database.exact(`SELECT typeof(k), quote(k), typeof(v), quote(v) FROM t ORDER BY k`)
            const query = 'SELECT k, typeof(k) AS a, quote(k) AS b, typeof(v) AS c, quote(v) AS d FROM t'
            const source = sqliteSource({ filename: database.file, driver, query, key: 'k' })
            const table = sqliteSource({ filename: database.file, driver, table: 't' })
            const read = await readSource(table, { asking, page: limits })
            const same = await readSource(source, { asking, page: limits })
            expect(same.rows.map(({ a, b, c, d }) => [a, b, c, d])).toEqual(expected)
            expect(read.rows.map(({ v }) => plain(v))).toEqual(
              (await database.exact('SELECT v FROM t ORDER BY k')).map(([v]) => plain(v)),
            )
            await using session = await table.connect(operation)
            const partitions = (await session.partition?.({ ...operation, count })) ?? []
            const parts = await Promise.all(
              partitions.map((partition) => readSession(session, { partition, asking, page: limits })),
            )
            expect(parts.flatMap(({ keys }) => keys)).toEqual(read.keys)
          },
        ),
        { numRuns: 40 },
      )
    },
  )

  it('gives every row once by a composite key', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(near, text, value), { maxLength: 30 }),
        fc.integer({ min: 1, max: 7 }),
        fc.constantFrom(...askings),
        async (rows, records, asking) => {
          await fill(database, 'a INT, b TEXT COLLATE NOCASE, v, PRIMARY KEY (a, b)', 'WITHOUT ROWID', rows)
          const table = sqliteSource({ filename: database.file, driver, table: 't' })
          const { keys } = await readSource(table, { asking, page: { records, bytes: 1e6 } })
          expect(keys).toEqual(
            (await database.exact('SELECT a, b FROM t ORDER BY a, b')).map(([a, b]) => [Number(a), b]),
          )
        },
      ),
      { numRuns: 40 },
    )
  })
})

async function fill(
  database: TestDatabase,
  columns: string,
  tail: string,
  rows: readonly (readonly SqliteValue[])[],
): Promise<void> {
  await using connection = await database.open()
  await connection.exec('PRAGMA synchronous = OFF')
  await connection.exec(`DROP TABLE IF EXISTS t; CREATE TABLE t (${columns}) ${tail}`)
  await connection.transaction(async () => {
    for (const row of rows) {
      if (row.some((one) => typeof one === 'string' && /\p{Surrogate}/u.test(one))) continue
      await connection.run(`INSERT OR IGNORE INTO t VALUES (${row.map(() => '?').join(', ')})`, row)
    }
  })
}

function plain(stored: unknown): unknown {
  return stored instanceof Uint8Array ? Buffer.from(stored).toString('hex') : stored
}
