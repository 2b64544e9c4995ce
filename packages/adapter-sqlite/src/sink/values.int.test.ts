import { type LogicalType, memorySource, type RecordSchema, type Row, runPipeline } from '@drover/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SqliteValue } from '../connection/sqlite-connection.js'
import { drivers, TestDatabase } from '../testing/test-database.js'
import { failure, TestLane } from '../testing/test-lane.js'
import { type SqliteSinkOptions, sqliteSink } from './sqlite-sink.js'

/** What is written, and what is there then: INTEGER as bigint, REAL as number. */
type Case = readonly [unknown, SqliteValue]

const same = (...values: readonly SqliteValue[]): Case[] => values.map((value) => [value, value] as const)
const integers = (...values: readonly number[]): Case[] => values.map((value) => [value, BigInt(value)] as const)
const texts = same(
  '',
  'a',
  ' 1 ',
  '007',
  '1e5',
  '1.0',
  'null',
  'a\0b',
  '🐑 ü\u0301',
  '\ufffd',
  `'";--?`,
  'x'.repeat(300_000),
)

const large = new Uint8Array(400_000).fill(7)

/** Every logical type, as a table that is made for it holds its edge values. */
const logicalTypes: readonly (readonly [string, LogicalType, readonly Case[]])[] = [
  [
    'boolean',
    { kind: 'boolean' },
    [
      [true, 1n],
      [false, 0n],
      [null, null],
    ],
  ],
  ['int8', { kind: 'int', bits: 8 }, integers(-128, 0, 127)],
  ['int32', { kind: 'int', bits: 32 }, integers(-(2 ** 31), 2 ** 31 - 1, 0)],
  [
    'int64',
    { kind: 'int', bits: 64 },
    [
      ...integers(2 ** 31, -(2 ** 31) - 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
      ...same(2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n), 5n),
    ],
  ],
  ['decimal', { kind: 'decimal', precision: 38, scale: 10 }, same('0.10', '-0.0', '12345678901234567890.1234567890')],
  ['float32', { kind: 'float', bits: 32 }, same(Math.fround(0.1), 1.5, 0)],
  [
    'float64',
    { kind: 'float', bits: 64 },
    [
      ...same(0.1 + 0.2, 5e-324, Number.MAX_VALUE, -1e300, 1, 2 ** 53, 2 ** 63, 1e21),
      [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
      [-0, 0],
      [3n, 3],
    ],
  ],
  [
    'text',
    { kind: 'text' },
    [
      ...texts,
      [1, '1'],
      [0.1, '0.1'],
      [-0, '-0'],
      [1e21, '1e+21'],
      [Number.NEGATIVE_INFINITY, '-Infinity'],
      [7n, '7'],
      [2n ** 63n - 1n, '9223372036854775807'],
    ],
  ],
  [
    'bytes',
    { kind: 'bytes' },
    [
      ...same(new Uint8Array(), new Uint8Array([0, 255]), large),
      [new Uint8Array([1, 2, 3]).buffer, new Uint8Array([1, 2, 3])],
      [Buffer.from('ab'), new Uint8Array([97, 98])],
      [new Uint8Array([9, 1, 2, 9]).subarray(1, 3), new Uint8Array([1, 2])],
    ],
  ],
  ['date', { kind: 'date' }, same('2024-02-29', '0001-01-01', '9999-12-31')],
  ['time', { kind: 'time' }, same('23:59:59.999999')],
  [
    'timestamp',
    { kind: 'timestamp', zone: true, digits: 6 },
    [
      ...same('2024-02-29T12:00:00.123456Z'),
      [new Date(0), '1970-01-01T00:00:00.000Z'],
      [new Date(-1), '1969-12-31T23:59:59.999Z'],
    ],
  ],
  ['uuid', { kind: 'uuid' }, same('5b0a9a52-7a53-4cbb-9f5b-2d6d6b8f6c11')],
  [
    'json',
    { kind: 'json' },
    [
      [{ a: [1, null, 'ü'] }, '{"a":[1,null,"ü"]}'],
      [[], '[]'],
      [{ n: 2n ** 63n }, '{"n":9223372036854775808}'],
      ['5', '5'],
      [true, 'true'],
      [false, 'false'],
      [1.5, '1.5'],
      [{ u: undefined }, '{}'],
      // JSON has a form for it that is well-formed.
      [{ a: 'a\udc00' }, '{"a":"a\\udc00"}'],
    ],
  ],
  ['list', { kind: 'list', of: { kind: 'int', bits: 32 } }, [[[1, 2], '[1,2]']]],
  ['vector', { kind: 'vector', dimensions: 2 }, [[Float32Array.of(0.1, -2), '[0.1,-2]']]],
  ['struct', { kind: 'struct', fields: [] }, [[{ a: { b: 1 } }, '{"a":{"b":1}}']]],
  [
    'any',
    { kind: 'any' },
    [
      ...same(1n, 1, 1.5, -0, '1', new Uint8Array([1]), 2n ** 62n, 2 ** 40),
      [true, 1n],
      [null, null],
      [{ a: 1 }, '{"a":1}'],
    ],
  ],
]

/** Bytes as a text: comparing them one by one takes seconds. */
function shown(value: SqliteValue): SqliteValue {
  return value instanceof Uint8Array ? `x'${Buffer.from(value).toString('hex')}'` : value
}

describe.each(drivers)('values that a sink is given, over %s', (driver) => {
  let database: TestDatabase

  beforeEach(() => {
    database = new TestDatabase(driver)
  })

  afterEach(() => database[Symbol.asyncDispose]())

  const sink = (options: Partial<SqliteSinkOptions> = {}) =>
    sqliteSink({ filename: database.file, driver, table: 't', ...options })

  const stored = async (): Promise<SqliteValue[]> =>
    (await database.exact('SELECT v FROM t ORDER BY id')).map(([v]) => shown(v as SqliteValue))

  it.each(logicalTypes)('are kept: %s', async (_, type, cases) => {
    const schema: RecordSchema = {
      fields: [
        { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false },
        { name: 'v', type, nullable: true },
      ],
      key: ['id'],
    }
    for (const onConflict of ['error', 'update'] as const) {
      await using lane = await TestLane.open(sink({ onConflict }), { schema, run: onConflict })
      const rows = [...cases, [null, null] as const].map(([v], id) => ({ id, v }))
      await lane.write(rows)
      expect(await stored()).toEqual([...cases.map(([, v]) => shown(v)), null])
      await database.exec('DELETE FROM t')
      // One by one they travel in another form than beside one another.
      for (const row of rows) await lane.write([row])
      expect(await stored()).toEqual([...cases.map(([, v]) => shown(v)), null])
      await database.exec('DELETE FROM t')
    }
  })

  it('are kept in a column that was there, by its affinity', async () => {
    const given: unknown[] = [1, 1.5, 2 ** 53, 7n, 2n ** 60n, 'x', '5', new Uint8Array([1]), true, null, 1e300]
    const expected: Readonly<Record<string, readonly SqliteValue[]>> = {
      INTEGER: [1n, 1.5, 2n ** 53n, 7n, 2n ** 60n, 'x', 5n, new Uint8Array([1]), 1n, null, 1e300],
      NUMERIC: [1n, 1.5, 2n ** 53n, 7n, 2n ** 60n, 'x', 5n, new Uint8Array([1]), 1n, null, 1e300],
      REAL: [1, 1.5, 2 ** 53, 7, 2 ** 60, 'x', 5, new Uint8Array([1]), 1, null, 1e300],
      TEXT: [
        '1',
        '1.5',
        '9007199254740992',
        '7',
        '1152921504606846976',
        'x',
        '5',
        new Uint8Array([1]),
        '1',
        null,
        '1e+300',
      ],
      BLOB: [1, 1.5, 2 ** 53, 7n, 2n ** 60n, 'x', '5', new Uint8Array([1]), 1n, null, 1e300],
    }
    for (const [type, values] of Object.entries(expected)) {
      await database.exec(`DROP TABLE IF EXISTS t; CREATE TABLE t (id INTEGER PRIMARY KEY, v ${type})`)
      await using lane = await TestLane.open(sink(), { run: type })
      await lane.write(given.map((v, i) => ({ id: i, v })))
      expect(await stored(), type).toEqual(values.map(shown))
    }
  })

  it.each([
    ['NaN', Number.NaN, 'v REAL', 'NaN'],
    ['NaN for a text', Number.NaN, 'v TEXT', 'NaN'],
    ['an integer of 65 bits', 2n ** 63n, 'v INTEGER', '64 bits'],
    ['an integer that REAL would round', 2n ** 53n + 1n, 'v REAL', 'would round it'],
    ['half a surrogate pair', 'a\udc00', 'v TEXT', 'surrogate'],
    ['a Date that is none', new Date(Number.NaN), 'v TEXT', 'a Date that is none'],
    ['a function', () => 1, 'v', 'a function'],
    ['a symbol', Symbol('s'), 'v', 'a symbol'],
    ['a BLOB in a STRICT column', new Uint8Array([1]), 'v TEXT', 'cannot store BLOB'],
  ])('are refused by row and field where SQLite would change them: %s', async (_, v, column, said) => {
    const isStrict = said.startsWith('cannot')
    await database.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, ${column}) ${isStrict ? 'STRICT' : ''}`)
    for (const [run, options] of [
      ['e', {}],
      ['u', { onConflict: 'update' }],
    ] as const) {
      await using lane = await TestLane.open(sink(options), { run })
      const rows: Row[] = Array.from({ length: 500 }, (_, id) => ({ id, v: id === 321 ? v : null }))
      for (const attempt of [() => lane.write(rows, 100), () => lane.probe(rows)]) {
        const error = await failure(attempt)
        expect(error).toMatchObject({ code: 'RECORD_REFUSED', row: 321, isRetryable: false })
        expect(error.message).toContain(said)
        expect(error.message).toContain(isStrict ? 't.v' : '"v"')
      }
      expect(await database.value('SELECT count(*) FROM t')).toBe(0)
    }
  })

  it('of a size that SQLite does not take are refused by row', { timeout: 60_000 }, async () => {
    await database.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT CHECK (length(v) < 2000000))')
    await using lane = await TestLane.open(sink())
    const rows = [
      { id: 1, v: 'x'.repeat(1_999_999) },
      { id: 2, v: 'x'.repeat(2_000_000) },
    ]
    expect(await failure(lane.write(rows))).toMatchObject({ code: 'RECORD_REFUSED', row: 1 })
    expect(await lane.write(rows.slice(0, 1))).toMatchObject({ inserted: 1 })
  })

  it.each([
    [{ id: 1, w: 1 }, 'has no column "w"'],
    [{ v: 1, V: 2 }, 'two fields for the column "v"'],
    [{}, 'no field for a column'],
    [{ id: undefined }, 'no field for a column'],
  ])('of a record that fits no column are refused by row: %j', async (bad, said) => {
    await database.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v)')
    await using lane = await TestLane.open(sink())
    const error = await failure(lane.write([{ id: 8, v: 1 }, bad, { id: 9, v: 1 }]))
    expect(error).toMatchObject({ code: 'RECORD_REFUSED', row: 1 })
    expect(error.message).toContain(said)
  })

  it('of records with other fields get the defaults of the columns that they lack', async () => {
    await database.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT DEFAULT 'd', w INTEGER DEFAULT (1 + 1))`)
    await using lane = await TestLane.open(sink())
    const rows: Row[] = [
      { id: 1 },
      { id: 2, v: 'x' },
      { w: 9, id: 3 },
      { id: 4, v: undefined, w: null },
      { v: null, id: 5 },
    ]
    expect(await lane.write(rows)).toMatchObject({ inserted: 5 })
    expect(await database.exact('SELECT v, w FROM t ORDER BY id')).toEqual([
      ['d', 2n],
      ['x', 2n],
      ['d', 9n],
      ['d', null],
      [null, 2n],
    ])
  })

  it.each([
    [{ kind: 'text' }, 'INTEGER', true],
    [{ kind: 'decimal' }, 'NUMERIC', true],
    [{ kind: 'decimal' }, 'TEXT', false],
    [{ kind: 'int', bits: 64 }, 'REAL', true],
    [{ kind: 'int', bits: 32 }, 'REAL', false],
    [{ kind: 'any' }, 'TEXT', true],
    [{ kind: 'any' }, 'BLOB', false],
    [{ kind: 'json' }, 'JSON', false],
    [{ kind: 'json' }, 'NUMERIC', true],
    [{ kind: 'bytes' }, 'INTEGER', false],
  ] satisfies readonly (readonly [LogicalType, string, boolean])[])(
    'of type %j that a column %s would change refuse the run (%s), unless coerced',
    async (type, column, isLossy) => {
      await database.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, v ${column})`)
      const fields = [
        { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false },
        { name: 'v', type, nullable: true },
      ] as const
      const source = memorySource({ records: [{ id: 1, v: null }], key: 'id', schema: { fields } })
      if (isLossy) {
        expect(await failure(runPipeline({ name: 'r', source, sink: sink() }))).toMatchObject({ code: 'FIDELITY_LOSS' })
        expect(await database.value('SELECT count(*) FROM t')).toBe(0)
      }
      const coerce = isLossy ? { coerce: ['v'] } : {}
      expect((await runPipeline({ name: 'r', source, sink: sink(coerce) })).counts).toMatchObject({ inserted: 1 })
    },
  )
})
