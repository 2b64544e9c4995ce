import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DroverError, type Row } from '@drover/core'
import {
  Field,
  FixedSizeList,
  Float16,
  Float32,
  Int32,
  List,
  Table,
  tableToIPC,
  Uint16,
  Uint64,
  vectorFromArray,
} from 'apache-arrow'
import { Compression, Table as WasmTable, WriterPropertiesBuilder, writeParquet } from 'parquet-wasm/node'
import { describe, expect, test } from 'vitest'
import { parquetSource } from '../src/index.js'
import { copyTo, pagesOf, quoted, rowsOf, schemaOf, tempFolder } from './source-fixtures.js'

/** A value of every type of DuckDB's, and what it is in memory. */
const columns: readonly {
  readonly name: string
  readonly sql: string
  readonly as?: string
  readonly value: unknown
}[] = [
  { name: 'flag', sql: 'true', value: true },
  { name: 'tiny', sql: '(-128)::TINYINT', value: -128 },
  { name: 'u8', sql: '255::UTINYINT', value: 255 },
  { name: 'u16', sql: '65535::USMALLINT', value: 65535 },
  { name: 'u32', sql: '4294967295::UINTEGER', value: 4294967295 },
  { name: 'u64', sql: '18446744073709551615::UBIGINT', value: 18446744073709551615n },
  { name: 'i64', sql: '(-9007199254740993)::BIGINT', value: -9007199254740993n },
  { name: 'safe', sql: '9007199254740991::BIGINT', value: 9007199254740991 },
  { name: 'f32', sql: '0.1::FLOAT', value: Math.fround(0.1) },
  { name: 'f64', sql: "'-0.0'::DOUBLE", value: -0 },
  { name: 'd4', sql: '(-0.05)::DECIMAL(4,2)', value: '-0.05' },
  { name: 'd9', sql: '1234567.89::DECIMAL(9,2)', value: '1234567.89' },
  { name: 'd18', sql: '(-123456789012345678)::DECIMAL(18,0)', value: '-123456789012345678' },
  {
    name: 'd38',
    sql: "'-1234567890123456789012345678.0123456789'::DECIMAL(38,10)",
    value: '-1234567890123456789012345678.0123456789',
  },
  { name: 'text', sql: "'\ufeffGrüße, 日本語 😀 \ufffd'", value: '\ufeffGrüße, 日本語 😀 \ufffd' },
  { name: 'bytes', sql: "'\\x00\\xFF\\x80'::BLOB", value: new Uint8Array([0, 255, 128]) },
  { name: 'day', sql: "'0001-01-01'::DATE", value: '0001-01-01' },
  { name: 'time', sql: "'23:59:59.999999'::TIME", value: '23:59:59.999999' },
  { name: 'nano_time', sql: "'01:02:03.000000500'::TIME_NS", value: '01:02:03.0000005' },
  { name: 'ms', sql: "'2024-02-29 23:59:59.999'::TIMESTAMP_MS", value: '2024-02-29T23:59:59.999' },
  { name: 'us', sql: "'1969-12-31 23:59:59.999999'::TIMESTAMP", value: '1969-12-31T23:59:59.999999' },
  { name: 'ns', sql: "'1700-01-01 00:00:00.000000001'::TIMESTAMP_NS", value: '1700-01-01T00:00:00.000000001' },
  { name: 'zoned', sql: "'2024-02-29 23:59:59.000001Z'::TIMESTAMPTZ", value: '2024-02-29T23:59:59.000001Z' },
  { name: 'far', sql: "'12345-01-02 00:00:00Z'::TIMESTAMPTZ", value: '+012345-01-02T00:00:00.000000Z' },
  { name: 'uuid', sql: "'6f1d5e0a-3c55-4a3b-9d5b-0e6b1f0c7d21'::UUID", value: '6f1d5e0a-3c55-4a3b-9d5b-0e6b1f0c7d21' },
  {
    name: 'json',
    sql: `'{"$numberLong":"1","n":9007199254740993}'::JSON`,
    value: { $numberLong: '1', n: 9007199254740993n },
  },
  { name: 'list', sql: '[1, NULL, 3]::BIGINT[]', value: [1, null, 3] },
  { name: 'lists', sql: "[['a', NULL], [], NULL]", value: [['a', null], [], null] },
  {
    name: 'struct',
    sql: "{'a': 1, 'inner': {'b': NULL::TEXT, 'c': ['x']}}",
    value: { a: 1, inner: { b: null, c: ['x'] } },
  },
  { name: 'nothing', sql: "{'a': NULL::INTEGER, 'inner': NULL::STRUCT(b TEXT)}", value: { a: null, inner: null } },
  { name: 'structs', sql: "[{'p': 1::TINYINT}, NULL]", value: [{ p: 1 }, null] },
  // As pairs: keys may be of any type, come twice, or be called as what every object has.
  {
    name: 'map',
    sql: "MAP {'__proto__': 1, 'b': NULL}",
    value: [
      { key: '__proto__', value: 1 },
      { key: 'b', value: null },
    ],
  },
  { name: 'array', sql: '[1.5, 2.5]', as: 'FLOAT[2]', value: [1.5, 2.5] },
]

const query = (rows: number): string => {
  // Every value, nothing but null, and half of them: in columns that repeat, and so get dictionaries.
  const value = ({ name, sql, as }: (typeof columns)[number], i: number): string =>
    `(CASE WHEN i % 3 = 0 OR (i % 3 = 2 AND ${i % 2} = 0) THEN ${sql} END)${as === undefined ? '' : `::${as}`} AS ${quotedName(name)}`
  return `SELECT i::INTEGER AS n, ${columns.map(value).join(', ')} FROM range(${rows}) r(i)`
}

function quotedName(name: string): string {
  return `"${name}"`
}

function expected(n: number): Row {
  const values = columns.map(({ name, value }, i) => [name, n % 3 === 0 || (n % 3 === 2 && i % 2 === 0) ? value : null])
  return { n, ...Object.fromEntries(values) }
}

describe('files by DuckDB', () => {
  const codecs = ['uncompressed', 'snappy', 'zstd', 'gzip', 'brotli', 'lz4_raw', 'lz4']
  const forms = codecs.flatMap((codec) => ['V1', 'V2'].map((version) => [codec, version] as const))

  test.each(forms)('compressed with %s, pages of %s: every type, and null in its place', async (codec, version) => {
    const path = join(await tempFolder(), 'all.parquet')
    await copyTo(path, query(300), `COMPRESSION ${codec}, PARQUET_VERSION ${version}`)
    const rows = await rowsOf(parquetSource({ path }), { page: { records: 41, bytes: 1e9 } })
    expect(rows).toEqual(Array.from({ length: 300 }, (_, n) => expected(n)))
  })

  test('say what they hold', async () => {
    const path = await copyTo(join(await tempFolder(), 'all.parquet'), query(3))
    const { fields, key } = await schemaOf(parquetSource({ path }))
    expect(key).toEqual([])
    expect(Object.fromEntries(fields.map(({ name, type }) => [name, type]))).toMatchObject({
      u8: { kind: 'int', bits: 16 },
      u64: { kind: 'int', bits: 64 },
      d38: { kind: 'decimal', precision: 38, scale: 10 },
      ns: { kind: 'timestamp', zone: false, digits: 9 },
      zoned: { kind: 'timestamp', zone: true, digits: 6 },
      json: { kind: 'json' },
      lists: { kind: 'list', of: { kind: 'list', of: { kind: 'text' } } },
      map: { kind: 'list', of: { kind: 'struct' } },
    })
    expect(fields.every(({ nullable }) => nullable)).toBe(true)
  })

  test('without a record are read to their end', async () => {
    const path = await copyTo(join(await tempFolder(), 'empty.parquet'), query(0))
    expect(await rowsOf(parquetSource({ path }))).toEqual([])
    expect((await schemaOf(parquetSource({ path }))).fields).toHaveLength(columns.length + 1)
  })

  test('give the columns that are asked for, in that order', async () => {
    const path = await copyTo(join(await tempFolder(), 'all.parquet'), query(3))
    const rows = await rowsOf(parquetSource({ path, columns: ['text', 'n'] }))
    expect(rows.map((row) => Object.keys(row))).toEqual(Array.from({ length: 3 }, () => ['text', 'n']))
  })

  test('a vector that is null, which DuckDB writes in a form of its own', async () => {
    const path = join(await tempFolder(), 'vectors.parquet')
    await copyTo(path, 'SELECT (CASE WHEN i % 2 = 0 THEN [i, 2.5] END)::FLOAT[2] AS v FROM range(4) r(i)')
    const [page] = await pagesOf(parquetSource({ path, types: { v: 'vector(2)' } }))
    expect(page?.rows().map(({ v }) => v)).toEqual([new Float32Array([0, 2.5]), null, new Float32Array([2, 2.5]), null])
  })

  test('of several row groups are resumed inside of one', async () => {
    const path = join(await tempFolder(), 'groups.parquet')
    await copyTo(path, query(5000), 'ROW_GROUP_SIZE 2048')
    const source = parquetSource({ path, columns: ['n', 'lists'] })
    const pages = await pagesOf(source, { page: { records: 999, bytes: 1e9 } })
    // No page goes over the end of a row group.
    expect(pages.map(({ count }) => count)).toEqual([999, 999, 50, 999, 999, 50, 904])
    for (const [i, { cursor }] of pages.entries()) {
      const rest = await rowsOf(source, { after: JSON.parse(JSON.stringify(cursor)) })
      expect(rest).toEqual(pages.slice(i + 1).flatMap((page) => page.rows()))
    }
  })
})

describe('files by parquet-wasm', () => {
  async function written(
    table: Table,
    build: (properties: WriterPropertiesBuilder) => WriterPropertiesBuilder = (p) => p,
  ) {
    const path = join(await tempFolder(), 'wasm.parquet')
    const bytes = writeParquet(
      WasmTable.fromIPCStream(tableToIPC(table, 'stream')),
      build(new WriterPropertiesBuilder()).build(),
    )
    await writeFile(path, bytes)
    return path
  }

  test('with small pages and row groups, page index, lists that go over pages', async () => {
    const texts = Array.from({ length: 500 }, (_, i) => (i % 7 === 0 ? null : `text ${i}`))
    const lists = Array.from({ length: 500 }, (_, i) => Array.from({ length: i % 9 }, (_, k) => k * i))
    const table = new Table({
      text: vectorFromArray(texts),
      list: vectorFromArray(lists, new List(new Field('item', new Int32(), true))),
      u16: vectorFromArray(
        texts.map((_, i) => 65_535 - i),
        new Uint16(),
      ),
      u64: vectorFromArray(
        texts.map((_, i) => 2n ** 64n - 1n - BigInt(i)),
        new Uint64(),
      ),
      half: vectorFromArray(
        texts.map((_, i) => i / 4),
        new Float16(),
      ),
    })
    const path = await written(table, (p) =>
      p.setDataPageSizeLimit(256).setWriteBatchSize(16).setMaxRowGroupSize(200).setCompression(Compression.ZSTD),
    )
    const rows = await rowsOf(parquetSource({ path }), { page: { records: 33, bytes: 1e9 } })
    expect(rows).toEqual(
      texts.map((text, i) => ({ text, list: lists[i], u16: 65_535 - i, u64: 2n ** 64n - 1n - BigInt(i), half: i / 4 })),
    )
  })

  test('a list of fixed length is a vector where the metadata, or the user, says so', async () => {
    const list = new FixedSizeList(3, new Field('item', new Float32(), true))
    const vectors = [[0.1, -1.5, 3.4e38], null, [1e-40, 0, 1]]
    const path = await written(new Table({ embedding: vectorFromArray(vectors, list) }))
    expect((await rowsOf(parquetSource({ path })))[0]?.embedding).toEqual([0.1, -1.5, 3.4e38].map(Math.fround))
    const rows = await rowsOf(parquetSource({ path, types: { embedding: 'vector(3)' } }))
    expect(rows).toEqual(vectors.map((vector) => ({ embedding: vector === null ? null : new Float32Array(vector) })))
    const wrong = (await pagesOf(parquetSource({ path, types: { embedding: 'vector(2)' } })))[0]
    expect(wrong?.rows()).toEqual([{ embedding: null }])
    expect(wrong?.rejected?.map(({ key }) => key)).toEqual([
      ['wasm.parquet', 0],
      ['wasm.parquet', 2],
    ])
    await expect(schemaOf(parquetSource({ path, types: { embedding: 'int64' } }))).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    })
  })
})

describe('what our sink stored in the metadata', () => {
  const schema = {
    fields: [
      { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false },
      { name: 'doc', type: { kind: 'json' }, nullable: true },
      { name: 'small', type: { kind: 'int', bits: 8 }, nullable: true, native: 'tinyint' },
    ],
    key: ['id'],
  }
  const metadata = `KV_METADATA {'drover.schema': ${quoted(JSON.stringify(schema))}}`
  const sql = `SELECT i AS id, CASE i WHEN 2 THEN '{"a":' ELSE '{"a":[1]}' END AS doc, i::INTEGER AS small FROM range(4) r(i)`

  test('restores types and the key', async () => {
    const path = await copyTo(join(await tempFolder(), 'ours.parquet'), sql, metadata)
    const described = await schemaOf(parquetSource({ path }))
    expect(described).toEqual({ ...schema, fields: schema.fields.map((field) => ({ ...field, nullable: true })) })
    const [page] = await pagesOf(parquetSource({ path }))
    expect(page?.rows()).toEqual([0, 1, 3].map((id) => ({ id, doc: { a: [1] }, small: id })))
    expect(page?.keys()).toEqual([0, 1, 3].map((id) => ({ source: [id], child: 0 })))
  })

  test.each([
    '[]',
    '{"fields":[null]}',
    '{"fields":[{"name":"id"}]}',
    '{"fields":[{"name":"id","type":{"kind":"list"}}]}',
    '{"fields":[],"key":1}',
  ])('that are none count for nothing: %s', async (text) => {
    const path = await copyTo(
      join(await tempFolder(), 'theirs.parquet'),
      sql,
      `KV_METADATA {'drover.schema': ${quoted(text)}}`,
    )
    const { fields, key } = await schemaOf(parquetSource({ path }))
    expect(fields.map(({ name }) => name)).toEqual(['id', 'doc', 'small'])
    expect(key).toEqual([])
  })

  test('a text that is no JSON rejects its record, with its key and without its text', async () => {
    const path = await copyTo(join(await tempFolder(), 'ours.parquet'), sql, metadata)
    const [page] = await pagesOf(parquetSource({ path }))
    expect(page?.count).toBe(4)
    const [reject] = page?.rejected ?? []
    expect(reject?.key).toEqual([2])
    expect(DroverError.isInstance(reject?.error, 'RECORD_UNREADABLE')).toBe(true)
    expect(String(reject?.error)).toContain('record 2: field "doc" holds a text that is no valid JSON')
  })
})

test.each(['uncompressed, 0', 'snappy, 20000'])(
  'text that is not valid UTF-8 rejects its records alone (%s in a dictionary)',
  async (form) => {
    const [codec, limit] = form.split(', ')
    const path = join(await tempFolder(), 'broken.parquet')
    await copyTo(
      path,
      "SELECT CASE i % 2 WHEN 0 THEN 'brokenX' ELSE 'whole' END AS t, [t] AS l, i AS id FROM range(100) r(i)",
      `COMPRESSION ${codec}, DICTIONARY_SIZE_LIMIT ${limit}`,
    )
    const bytes = await readFile(path)
    // In the pages, before the statistics.
    for (
      let at = bytes.indexOf('brokenX'), footer = bytes.length - bytes.readUInt32LE(bytes.length - 8) - 8;
      at >= 0 && at < footer;
      at = bytes.indexOf('brokenX', at + 1)
    ) {
      bytes[at + 6] = 0xff
    }
    await writeFile(path, bytes)
    const [page] = await pagesOf(parquetSource({ path }))
    expect(page?.rows().map(({ id }) => id)).toEqual(Array.from({ length: 50 }, (_, i) => i * 2 + 1))
    expect(page?.rejected?.map(({ key }) => key?.[1])).toEqual(Array.from({ length: 50 }, (_, i) => i * 2))
    expect(String(page?.rejected?.[0]?.error)).toMatch(/record 0: field "[tl]" holds a text that is not valid UTF-8/)
    expect(page?.rows()).toEqual(page?.rows().map(({ id }) => ({ t: 'whole', l: ['whole'], id })))
  },
)

test('a record whose key is null is rejected', async () => {
  const path = await copyTo(join(await tempFolder(), 'keys.parquet'), 'SELECT nullif(i, 1) AS id FROM range(3) r(i)')
  const [page] = await pagesOf(parquetSource({ path, key: 'id' }))
  expect(page?.keys().map(({ source }) => source)).toEqual([[0], [2]])
  expect(page?.rejected).toMatchObject([{ key: ['keys.parquet', 1], error: { code: 'KEY_INVALID' } }])
})

test('bytes are copies: who changes one changes no other', async () => {
  const path = await copyTo(join(await tempFolder(), 'bytes.parquet'), "SELECT 'same'::BLOB AS b FROM range(100)")
  const rows = await rowsOf(parquetSource({ path }))
  const [first, second] = rows.map(({ b }) => b as Uint8Array)
  first?.fill(0)
  expect(Buffer.from(second ?? []).toString()).toBe('same')
})
