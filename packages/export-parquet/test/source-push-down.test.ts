import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { allOf, compileFilter, type Filter, type Row } from '@drover/core'
import {
  Bool,
  DateDay,
  Float64,
  Int64,
  Table,
  TimestampMicrosecond,
  tableToIPC,
  Uint32,
  Utf8,
  vectorFromArray,
} from 'apache-arrow'
import fc from 'fast-check'
import type { RowGroup } from 'hyparquet'
import { EnabledStatistics, Table as WasmTable, WriterPropertiesBuilder, writeParquet } from 'parquet-wasm/node'
import { describe, expect, test } from 'vitest'
import { parquetSource } from '../src/index.js'
import { FileSet } from '../src/source/file-set.js'
import { mayMatch } from '../src/source/group-statistics.js'
import { ParquetSession } from '../src/source/source-session.js'
import { copyTo, inSession, pagesOf, rowsOf, tempFolder, whole } from './source-fixtures.js'

const signal = new AbortController().signal

/** The rows under a filter, and what it took. */
async function readUnder(path: string, filter: Filter): Promise<{ readonly rows: Row[]; readonly bytes: number }> {
  let bytes = 0
  const wishes = { columns: undefined, types: new Map(), key: undefined, usesManifest: true }
  const set = await FileSet.open(path, wishes, signal, (read) => {
    bytes += read
  })
  const session = new ParquetSession(set)
  const { pushed, rest } = session.pushDown(filter)
  const opened = bytes
  const rows: Row[] = []
  const options = { signal, partition: whole, after: null, page: { records: 1000, bytes: 1e9 } }
  for await (const page of session.read({ ...options, ...(pushed === undefined ? {} : { filter: pushed }) })) {
    rows.push(...page.rows())
  }
  const keeps = rest === undefined ? () => true : compileFilter(rest)
  return { rows: rows.filter(keeps), bytes: bytes - opened }
}

describe('row groups that cannot match are not read', () => {
  let made: Promise<string> | undefined
  const file = (): Promise<string> => {
    made ??= make()
    return made
  }
  async function make(): Promise<string> {
    const path = join(await tempFolder(), 'groups.parquet')
    const sql = `SELECT i AS n, 'text ' || lpad(i::text, 6, '0') AS t, timestamp '2024-01-01' + interval (i) minute AS ts, i / 10 AS f,
      CASE WHEN i < 4096 THEN i END AS half, md5(i::text) AS filler FROM range(8192) r(i)`
    return await copyTo(path, sql, 'ROW_GROUP_SIZE 2048, COMPRESSION uncompressed')
  }
  const group = 2048

  const filters: readonly (readonly [Filter, number, number])[] = [
    [{ n: { eq: 5000 } }, 1, 1],
    [{ n: { in: [1, 8000n, 99_999] } }, 2, 2],
    [{ n: { gte: 6144 } }, group, 1],
    [{ n: { lt: 0 } }, 0, 0],
    [{ t: { eq: 'text 000007' } }, 1, 1],
    [{ ts: { gte: '2024-01-06T00:00:00Z' } }, 992, 1],
    [{ ts: { lt: new Date('2024-01-01T00:01:00Z') } }, 1, 1],
    [{ f: { gt: 800, lte: 800.1 } }, 1, 1],
    [{ half: { isNull: true } }, 2 * group, 2],
    [{ half: { isNull: false } }, 2 * group, 2],
    [{ or: [{ n: { eq: 1 } }, { n: { eq: 8000 } }] }, 2, 2],
    [{ and: [{ n: { gt: 3 } }, { n: { lt: 5 } }] }, 1, 1],
    [{ n: { eq: 'text' } }, 0, 0],
  ]
  test.each(filters.map((one) => [inspect(one[0]), one] as const))('%s', async (_, [filter, count, groups]) => {
    const path = await file()
    const { rows, bytes } = await readUnder(path, filter)
    const all = await readUnder(path, {} as Filter)
    expect(rows).toHaveLength(count)
    expect(rows).toEqual(all.rows.filter(compileFilter(filter)))
    expect(bytes / (all.bytes / 4)).toBeCloseTo(groups, 0)
    expect(await counted(path, filter)).toEqual({ value: count, exact: true })
  })

  async function counted(path: string, filter: Filter) {
    return await inSession(
      parquetSource({ path }),
      (session) => session.count?.({ signal, filter }) ?? Promise.reject(),
    )
  }

  test('and columns that are not asked for are not, either', async () => {
    const path = await file()
    let bytes = 0
    const wishes = { columns: ['n'], types: new Map(), key: undefined, usesManifest: true }
    const set = await FileSet.open(path, wishes, signal, (read) => {
      bytes += read
    })
    const options = { signal, partition: whole, after: null, page: { records: 1000, bytes: 1e9 } }
    for await (const page of new ParquetSession(set).read(options)) page.rows()
    const all = await readUnder(path, {} as Filter)
    expect(bytes).toBeLessThan(all.bytes / 2)
  })

  test('nor are pages that their index excludes', async () => {
    const path = join(await tempFolder(), 'pages.parquet')
    const numbers = Array.from({ length: 20_000 }, (_, i) => i)
    const table = new Table({
      n: vectorFromArray(numbers, new Uint32()),
      half: vectorFromArray(
        numbers.map((i) => (i < 10_000 ? null : i)),
        new Float64(),
      ),
      t: vectorFromArray(
        numbers.map((i) => `text of ${i} ${'x'.repeat(50)}`),
        new Utf8(),
      ),
    })
    const properties = new WriterPropertiesBuilder()
      .setDataPageSizeLimit(2000)
      .setWriteBatchSize(100)
      .setDictionaryEnabled(false)
      .setStatisticsEnabled(EnabledStatistics.Page)
      .build()
    await writeFile(path, writeParquet(WasmTable.fromIPCStream(tableToIPC(table, 'stream')), properties))
    const all = await readUnder(path, {} as Filter)
    const filters: readonly (readonly [Filter, number])[] = [
      [{ n: { eq: 12_345 } }, 1],
      [{ n: { in: [5, 19_999] } }, 2],
      [{ or: [{ n: { lt: 10 } }, { half: { gte: 19_990 } }] }, 20],
      [{ half: { eq: 15_000 }, n: { gt: 3 } }, 1],
      [{ and: [{ n: { lt: 9000 } }, { half: { gte: 15_000 } }] }, 0],
    ]
    for (const [filter, count] of filters) {
      const { rows, bytes } = await readUnder(path, filter)
      expect(rows).toEqual(all.rows.filter(compileFilter(filter)))
      expect(rows).toHaveLength(count)
      expect(bytes).toBeLessThan(all.bytes / 2)
    }
    // Who resumes inside of the row group jumps to the page of each column.
    const [first] = await pagesOf(parquetSource({ path }), { page: { records: 5000, bytes: 1e9 } })
    for (const row of [1, 9999, 10_001, 19_999]) {
      const rest = await rowsOf(parquetSource({ path }), { after: { ...(first?.cursor as object), row } as never })
      expect(rest).toEqual(all.rows.slice(row))
    }
  })

  test('a cursor stands behind them, and the rest is read from there', async () => {
    const path = await file()
    const filter = { n: { gte: 6000 } }
    await inSession(parquetSource({ path }), async (session) => {
      const options = { signal, partition: whole, filter, page: { records: 500, bytes: 1e9 } }
      const numbers: unknown[] = []
      let after = null as never
      for (let round = 0; round < 30; round++) {
        for await (const page of session.read({ ...options, after })) {
          numbers.push(...page.rows().map(({ n }) => n))
          after = page.cursor as never
          break
        }
      }
      expect(numbers).toEqual(Array.from({ length: 2192 }, (_, i) => i + 6000))
    })
  })
})

describe('what is pushed down', () => {
  const texts = ['', 'a', 'ab', 'b', '2024-01-01T00:00:00Z', '2024-01-01T00:00:00.000Z', '\uffee', '😀']
  const times = [0, 1, -1, 1_704_067_200_000_000, 1_704_067_200_000_001, -62_135_596_800_000_000]
  const record = fc.record({
    n: fc.option(fc.constantFrom(0n, 1n, -1n, 9007199254740993n, -9223372036854775808n, 9223372036854775807n)),
    u: fc.option(fc.constantFrom(0, 1, 4294967295, 2147483648)),
    f: fc.option(fc.constantFrom(0, -0, 1.5, -1e300, Number.NaN, Infinity, -Infinity, 5e-324)),
    b: fc.option(fc.boolean()),
    t: fc.option(fc.constantFrom(...texts)),
    d: fc.option(fc.constantFrom(0, 1, 19_723, -719_162)),
    ts: fc.option(fc.constantFrom(...times)),
  })
  const operand = fc.constantFrom(
    0,
    1,
    1.5,
    -1n,
    9007199254740993n,
    4294967295,
    Infinity,
    true,
    false,
    ...texts,
    '2024-01-01',
    '1970-01-02',
    '1970-01-01T00:00:00.000001Z',
    '1970-01-01 01:00:00+01',
    new Date(0),
    new Date(1_704_067_200_000),
  )
  const condition = fc.oneof(
    ...(['eq', 'ne', 'gt', 'gte', 'lt', 'lte'] as const).map((name) => fc.record({ [name]: operand })),
    fc.record({ in: fc.array(operand, { maxLength: 3 }) }),
    fc.record({ nin: fc.array(operand, { maxLength: 3 }) }),
    fc.record({ isNull: fc.boolean() }),
    fc.record({ gte: operand, lt: operand }),
    fc.record({ like: fc.constantFrom('a%', '%0Z') }),
  )
  const simple = fc
    .tuple(fc.constantFrom('n', 'u', 'f', 'b', 't', 'd', 'ts'), condition)
    .map(([name, one]) => ({ [name]: one }) as Filter)
  const filter = fc.letrec<{ one: Filter }>((tie) => ({
    one: fc.oneof(
      { maxDepth: 2 },
      simple,
      fc.record({ and: fc.array(tie('one'), { maxLength: 3 }) }),
      fc.record({ or: fc.array(tie('one'), { maxLength: 3 }) }),
      fc.record({ not: tie('one') }),
    ),
  })).one

  function written(
    records: readonly Record<string, unknown>[],
    statistics: EnabledStatistics,
    length: number,
  ): Uint8Array {
    const column = (name: string): unknown[] => records.map((one) => one[name])
    const table = new Table({
      n: vectorFromArray(column('n'), new Int64()),
      u: vectorFromArray(column('u'), new Uint32()),
      f: vectorFromArray(column('f'), new Float64()),
      b: vectorFromArray(column('b'), new Bool()),
      t: vectorFromArray(column('t'), new Utf8()),
      d: vectorFromArray(
        column('d').map((day) => (day === null ? null : new Date((day as number) * 86_400_000))),
        new DateDay(),
      ),
      ts: vectorFromArray(
        column('ts').map((at) => (at === null ? null : (at as number) / 1000)),
        new TimestampMicrosecond('UTC'),
      ),
    })
    const properties = new WriterPropertiesBuilder()
      .setMaxRowGroupSize(length)
      .setStatisticsEnabled(statistics)
      .setDataPageSizeLimit(16)
      .setWriteBatchSize(1)
      .build()
    return writeParquet(WasmTable.fromIPCStream(tableToIPC(table, 'stream')), properties)
  }

  test('gives exactly what the filter of the engine gives', async () => {
    const path = join(await tempFolder(), 'any.parquet')
    let pruned = 0
    const inputs = fc.tuple(
      fc.array(record, { minLength: 1, maxLength: 24 }),
      fc.array(filter, { minLength: 6, maxLength: 12 }),
      fc.constantFrom(EnabledStatistics.None, EnabledStatistics.Chunk, EnabledStatistics.Page),
      fc.integer({ min: 1, max: 12 }),
    )
    await fc.assert(
      fc.asyncProperty(inputs, async ([records, filters, statistics, length]) => {
        await writeFile(path, written(records, statistics, length))
        const all = await rowsOf(parquetSource({ path }))
        const whole = await readUnder(path, {} as Filter)
        for (const one of filters) {
          const { rows, bytes } = await readUnder(path, one)
          expect(rows).toEqual(all.filter(compileFilter(one)))
          if (bytes < whole.bytes) pruned++
        }
      }),
      { numRuns: 30 },
    )
    // Otherwise nothing was tried.
    expect(pruned).toBeGreaterThan(15)
  })

  test('are conditions that statistics can answer; the others are named as the rest', async () => {
    const path = join(await tempFolder(), 'one.parquet')
    await writeFile(path, written([{ n: 1n, u: 1, f: 1, b: true, t: 'a', d: 0, ts: 0 }], EnabledStatistics.Chunk, 1))
    await inSession(parquetSource({ path }), async (session) => {
      const pushed: Filter[] = [
        { n: { eq: 1 } },
        { t: { in: ['a'] } },
        { ts: { gte: '2024-01-01T00:00:00Z' } },
        { or: [{ n: { lt: 3 } }, { t: { isNull: true } }] },
      ]
      const rest: Filter[] = [
        { t: { gt: 'a' } },
        { t: { like: 'a%' } },
        { n: { ne: 1 } },
        { not: { n: { eq: 1 } } },
        { x: { eq: 1 } },
      ]
      expect(session.pushDown?.({ and: [...pushed, ...rest] })).toEqual({ pushed: allOf(pushed), rest: allOf(rest) })
    })
  })
})

/** Statistics that some writer left, for a column of that type. */
describe('statistics', () => {
  const leaf = (element: object, type: object, nullable = true) =>
    new Map([
      [
        'x',
        {
          name: 'x',
          constant: null,
          node: {
            kind: 'leaf',
            name: 'x',
            index: 0,
            path: ['x'],
            nullable,
            present: 1,
            defined: 1,
            repeated: 0,
            element: { name: 'x', ...element },
            type,
          },
        },
      ],
    ]) as never
  const group = (statistics: object | undefined, rows = 10n): RowGroup =>
    ({ num_rows: rows, columns: [{ meta_data: { statistics } }] }) as unknown as RowGroup
  const int = leaf({ type: 'INT64' }, { kind: 'int', bits: 64 })
  const unsigned = leaf({ type: 'INT64', converted_type: 'UINT_64' }, { kind: 'int', bits: 64 })
  const float = leaf({ type: 'DOUBLE' }, { kind: 'float', bits: 64 })
  const text = leaf({ type: 'BYTE_ARRAY' }, { kind: 'text' })
  const bytes = (value: string): Uint8Array => new Uint8Array(Buffer.from(value))

  const cases: readonly (readonly [string, Filter, never, object | undefined, boolean])[] = [
    ['none at all', { x: { eq: 5 } }, int, undefined, true],
    ['without ends', { x: { eq: 5 } }, int, { null_count: 0n }, true],
    ['with one end', { x: { eq: 5 } }, int, { min_value: 9n }, true],
    ['old ones of signed numbers', { x: { eq: 5 } }, int, { min: 9n, max: 12n }, false],
    ['old ones of unsigned numbers, whose order nobody knows', { x: { eq: 5 } }, unsigned, { min: 9n, max: 12n }, true],
    [
      'of unsigned numbers',
      { x: { lt: 2n ** 63n } },
      unsigned,
      { min_value: 2n ** 63n, max_value: 2n ** 64n - 1n },
      false,
    ],
    ['with NaN as an end', { x: { gt: 5 } }, float, { min_value: 1, max_value: Number.NaN }, true],
    ['of zeros of both signs', { x: { eq: 0 } }, float, { min_value: -0, max_value: -0 }, true],
    ['of nothing but null', { x: { isNull: false } }, int, { null_count: 10n }, false],
    ['of nothing but null, under not', { not: { x: { eq: 1 } } }, int, { null_count: 10n }, true],
    ['without null', { x: { isNull: true } }, int, { null_count: 0n }, false],
    ['that do not count nulls', { x: { isNull: true } }, int, { min_value: 1n, max_value: 1n }, true],
    ['of text', { x: { eq: 'abz' } }, text, { min_value: bytes('b'), max_value: bytes('c') }, false],
    [
      'of text that are cut and raised',
      { x: { eq: 'abzz' } },
      text,
      { min_value: bytes('ab'), max_value: bytes('ac'), is_max_value_exact: false },
      true,
    ],
    [
      'of text that are cut and not raised',
      { x: { eq: 'abzz' } },
      text,
      { min_value: bytes('ab'), max_value: bytes('ab'), is_max_value_exact: false },
      true,
    ],
    [
      'of text that end there',
      { x: { eq: 'abzz' } },
      text,
      { min_value: bytes('ab'), max_value: bytes('ab'), is_max_value_exact: true },
      false,
    ],
    [
      'old ones of text, whose order nobody knows',
      { x: { eq: 'ü' } },
      text,
      { min: bytes('a'), max: bytes('z') },
      true,
    ],
    [
      'of text, for an instant in another form',
      { x: { eq: '2024-01-01T00:00Z' } },
      text,
      { min_value: bytes('2024-01-01T00:00:00Z'), max_value: bytes('2024-01-01T00:00:00Z') },
      true,
    ],
  ]
  test.each(cases)('%s', (_, filter, fields, statistics, may) => {
    expect(mayMatch(filter, fields, group(statistics))).toBe(may)
  })
})
