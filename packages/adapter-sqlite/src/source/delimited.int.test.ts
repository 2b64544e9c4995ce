import { DelimitedPage, DroverError, delimitedForm } from '@drover/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SqliteValue } from '../connection/sqlite-connection.js'
import { type ReadResult, readSource } from '../testing/read-source.js'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { type SqliteSourceOptions, sqliteSource } from './sqlite-source.js'

/** What a sink does that takes texts: where they turn out to be none, it has the records read again as rows. */
async function asTexts(options: SqliteSourceOptions, records = 1000): Promise<ReadResult> {
  const page = { records, bytes: 100_000 }
  try {
    return await readSource(sqliteSource(options), { forms: [delimitedForm], asking: 'lines', page })
  } catch (error) {
    if (!DroverError.isInstance(error, 'PAGE_STALE')) throw error
    return await readSource(sqliteSource(options), { forms: [], page })
  }
}

const texts = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom('a', '\x1f', '\x1e', '\u{10ffff}', '\0', '\n', '0', 'é') }),
  fc.constantFrom('', '\x1f', '\x1e', '\u{10ffff}', '\u{10ffff}\u{10ffff}', '1\x1f2\x1e3', '12', '1.0'),
)
const anything = fc.oneof<fc.Arbitrary<SqliteValue>[]>(
  texts,
  fc.constant(null),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.double({ noNaN: true }),
  fc.uint8Array({ maxLength: 4 }).map((bytes) => new Uint8Array(bytes)),
  fc.constantFrom<SqliteValue>(new Uint8Array([0x31, 0x32]), new Uint8Array([0x61])),
)

describe.each(drivers)('a page that SQLite joined, by %s', (driver) => {
  const columns =
    'id INTEGER PRIMARY KEY, i INTEGER, t TEXT COLLATE NOCASE, at DATETIME, yes BOOLEAN, v VARCHAR(9) NOT NULL'

  it('says the same as rows do, whatever is in the columns', async () => {
    await using database = new TestDatabase(driver)
    await database.exec(`CREATE TABLE t (${columns})`)
    await using connection = await database.open()
    await connection.exec('PRAGMA synchronous = OFF')
    const rows = fc.array(fc.tuple(anything, anything, anything, anything, anything), { maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(rows, async (given) => {
        await connection.transaction(async () => {
          await connection.run('DELETE FROM t')
          for (const values of given)
            await connection.run('INSERT INTO t (i, t, at, yes, v) VALUES (?, ?, ?, ?, ifnull(?, 0))', values)
        })
        const options = { filename: database.file, table: 't', driver }
        const expected = await readSource(sqliteSource(options), { forms: [] })
        const found = await asTexts(options, 3)
        expect(found.rows).toEqual(expected.rows)
        expect(found.keys).toEqual(expected.keys)
        expect(found.pages.at(-1)?.cursor).toEqual(expected.pages.at(-1)?.cursor)
      }),
      { numRuns: driver === 'sqlite3' ? 40 : 150 },
    )
  })

  const ordinary: readonly (readonly SqliteValue[])[] = [
    [1n, 'one', '2024-01-31 12:00:00', 1n, ''],
    [9007199254740993n, 'größer 東京 🐑', null, 0n, 'tab\tand\nline'],
    [null, null, '', null, 'x'],
    [-(2n ** 63n), '12', 'noon', 1n, '1'],
  ]

  async function filled(rows: readonly (readonly SqliteValue[])[], setup = '', times = 1): Promise<TestDatabase> {
    const database = new TestDatabase(driver)
    await using connection = await database.open()
    await connection.exec(`${setup}; CREATE TABLE t (${columns})`)
    await connection.transaction(async () => {
      for (let i = 0; i < times; i++)
        for (const values of rows)
          await connection.run('INSERT INTO t (i, t, at, yes, v) VALUES (?, ?, ?, ?, ?)', values)
    })
    return database
  }

  it('is what integers and texts are read as', async () => {
    await using database = await filled(ordinary)
    const { pages } = await asTexts({ filename: database.file, table: 't', driver })
    expect(pages.every((page) => page instanceof DelimitedPage)).toBe(true)
  })

  it.each([
    ['a real', [1.5, 't', null, 1n, 'v']],
    ['a real where a truth should be', [1n, 't', null, 0.5, 'v']],
    ['bytes in a column of texts', [1n, new Uint8Array([0x61]), null, 1n, 'v']],
    ['bytes that are digits', [new Uint8Array([0x31]), 't', null, 1n, 'v']],
    ['a number where a time should be', [1n, 't', 1_700_000_000n, 1n, 'v']],
    ['a text that stands for a null', [1n, '\u{10ffff}', null, 1n, 'v']],
    ['a text in a column of integers', [1n, 't', null, 'yes', 'v']],
  ] as [string, SqliteValue[]][])('is not made of %s', async (_, row) => {
    await using database = await filled([...ordinary, row])
    const options = { filename: database.file, table: 't', driver }
    expect((await asTexts(options)).rows).toEqual((await readSource(sqliteSource(options), { forms: [] })).rows)
  })

  it('is cut where it is larger than a page may be, and goes on behind each piece', async () => {
    await using database = await filled([[1n, 'x'.repeat(900), null, 1n, 'v']], '', 700)
    const options = { filename: database.file, table: 't', driver }
    const { pages, keys } = await asTexts(options)
    expect(keys.map(([id]) => id)).toEqual(Array.from({ length: 700 }, (_, i) => i + 1))
    expect(pages.every((page) => page instanceof DelimitedPage && page.bytes <= 100_000)).toBe(true)
    const behind = await readSource(sqliteSource(options), {
      forms: [delimitedForm],
      asking: 'lines',
      after: pages[1]?.cursor ?? null,
    })
    expect(behind.keys[0]).toEqual([(keys[(pages[0]?.count ?? 0) + (pages[1]?.count ?? 0)] as number[])[0]])
  })

  it('is not made with a record that is far larger than the others', async () => {
    await using database = await filled([...ordinary, [1n, 'x'.repeat(3_000_000), null, 1n, 'v'], ...ordinary])
    const options = { filename: database.file, table: 't', driver }
    const { rows, pages } = await asTexts(options)
    expect(rows).toEqual((await readSource(sqliteSource(options), { forms: [] })).rows)
    expect(pages.some((page) => page instanceof DelimitedPage && page.bytes > 1_000_000)).toBe(false)
  })

  it.each([
    ['REAL', 'r REAL'],
    ['BLOB', 'b BLOB'],
    ['DECIMAL', 'd DECIMAL(9, 2)'],
    ['nothing', 'x'],
  ])('is not made of a column that was declared as %s', async (_, column) => {
    await using database = new TestDatabase(driver)
    await database.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, ${column}); INSERT INTO t VALUES (1, 1.10)`)
    const options = { filename: database.file, table: 't', driver }
    const { pages, rows } = await asTexts(options)
    expect([pages.some((page) => page instanceof DelimitedPage), rows]).toEqual([
      false,
      (await readSource(sqliteSource(options), { forms: [] })).rows,
    ])
  })

  it('leaves a text that is no UTF-8 to be rejected by its key', async () => {
    await using database = await filled(ordinary)
    await database.exec("INSERT INTO t (id, t, v) VALUES (77, CAST(x'ff41' AS TEXT), 'v')")
    const { rejected } = await asTexts({ filename: database.file, table: 't', driver })
    expect(rejected).toMatchObject([{ key: [77], error: { code: 'RECORD_UNREADABLE' } }])
  })

  it('finds its place by a key of two texts', async () => {
    await using database = new TestDatabase(driver)
    await database.exec(
      `CREATE TABLE k (a TEXT NOT NULL, b TEXT NOT NULL, PRIMARY KEY (a, b)) WITHOUT ROWID;
       INSERT INTO k VALUES ('a', '1'), ('a', '2'), ('b', ''), ('ü', 'x'), ('', '')`,
    )
    const { keys, pages } = await asTexts({ filename: database.file, table: 'k', driver }, 2)
    expect(keys).toEqual([
      ['', ''],
      ['a', '1'],
      ['a', '2'],
      ['b', ''],
      ['ü', 'x'],
    ])
    expect(pages.every((page) => page instanceof DelimitedPage)).toBe(true)
  })
})
