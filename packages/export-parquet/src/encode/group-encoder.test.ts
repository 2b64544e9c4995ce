import { stat } from 'node:fs/promises'
import { type ColumnChunk, parquetReadObjects, readOffsetIndex } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { expect, test } from 'vitest'
import { startThread } from './encode-thread.js'
import { GroupEncoder } from './group-encoder.js'
import { readThrift } from './thrift.js'
import { bufferOf, duckdb, fileOf, hyparquet, metadata, parquetWasm, saved } from './written-file.js'
import { ipcOf, plan } from './written-rows.js'

const chat = plan({
  id: { kind: 'int', bits: 64 },
  thread: { kind: 'text' },
  content: { kind: 'text' },
  score: { kind: 'float', bits: 64 },
  at: { kind: 'timestamp', zone: true, digits: 6 },
  key: { kind: 'uuid' },
  meta: { kind: 'json' },
  tags: { kind: 'list', of: { kind: 'text' } },
})

/** Texts that differ in every row, unlike those of a column for which a dictionary pays. */
function rows(count: number, from = 0): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, i) => {
    const n = from + i
    return {
      id: n,
      thread: n % 7 === 0 ? null : `thread-${n % 50}`,
      content: `${(Math.imul(n, 2_654_435_761) >>> 0).toString(36)} and ${n * n}`,
      score: n / 8,
      at: `2024-01-01T00:00:00.${String(n).padStart(6, '0')}Z`,
      key: `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`,
      meta: { n: n % 3 },
      tags: n % 2 === 0 ? [`a${n % 5}`, null] : [],
    }
  })
}

test.for(['snappy', 'zstd', 'gzip', 'none'] as const)(
  'three readers find what was written with %s',
  async (compression) => {
    await using encoder = new GroupEncoder({ plan: chat, compression })
    const groups = [rows(500), rows(1, 500), rows(300, 501)]
    const file = await fileOf(encoder, chat, groups, { 'drover.schema': '{"a":1}' })
    const all = groups.flat()

    const byHyparquet = await hyparquet(file)
    expect(
      byHyparquet.map(({ id, thread, content, score, meta }) => ({ id: Number(id), thread, content, score, meta })),
    ).toEqual(all.map(({ id, thread, content, score, meta }) => ({ id, thread, content, score, meta })))
    const byWasm = parquetWasm(file)
    expect(byWasm.numRows).toBe(all.length)
    expect([...(byWasm.getChild('content') ?? [])]).toEqual(all.map(({ content }) => content))

    const name = await saved(file)
    expect(
      await duckdb(
        `SELECT id, thread, content, score, strftime("at", '%Y-%m-%dT%H:%M:%S.%fZ') AS "at", key, meta->'n' AS n, tags FROM $file ORDER BY id`,
        name,
      ),
    ).toEqual(all.map(({ id, meta, ...row }) => ({ ...row, id: String(id), n: String((meta as { n: number }).n) })))
    expect(
      await duckdb(
        'SELECT row_group_id, row_group_num_rows FROM parquet_metadata($file) GROUP BY ALL ORDER BY ALL',
        name,
      ),
    ).toEqual(groups.map(({ length }, at) => ({ row_group_id: String(at), row_group_num_rows: String(length) })))
    expect(
      await duckdb(
        `SELECT decode(value) AS value FROM parquet_kv_metadata($file) WHERE decode(key) = 'drover.schema'`,
        name,
      ),
    ).toEqual([{ value: '{"a":1}' }])
  },
)

test('UUIDs and JSON are annotated, all else is as the library wrote it', async () => {
  await using encoder = new GroupEncoder({ plan: chat, compression: 'snappy' })
  const file = await saved(await fileOf(encoder, chat, [rows(3)]))
  expect(
    await duckdb(
      `SELECT name, type, converted_type, logical_type FROM parquet_schema($file) WHERE name IN ('key', 'meta', 'content', 'id')`,
      file,
    ),
  ).toEqual([
    { name: 'id', type: 'INT64', converted_type: null, logical_type: null },
    { name: 'content', type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: 'StringType()' },
    { name: 'key', type: 'FIXED_LEN_BYTE_ARRAY', converted_type: null, logical_type: 'UUIDType()' },
    { name: 'meta', type: 'BYTE_ARRAY', converted_type: 'JSON', logical_type: 'JsonType()' },
  ])
})

test('UUIDs and JSON inside lists and structs are annotated too', async () => {
  const nested = plan({
    before: { kind: 'vector', dimensions: 2 },
    ids: { kind: 'list', of: { kind: 'uuid' } },
    pair: {
      kind: 'struct',
      fields: [
        { name: 'n', type: { kind: 'list', of: { kind: 'int', bits: 32 } }, nullable: true },
        { name: 'j', type: { kind: 'json' }, nullable: true },
      ],
    },
    last: { kind: 'uuid' },
  })
  await using encoder = new GroupEncoder({ plan: nested, compression: 'snappy' })
  const key = '12345678-1234-4234-8234-123456789abc'
  const row = { before: Float32Array.from([1, 2]), ids: [key], pair: { n: [1], j: { a: [] } }, last: key }
  const file = await fileOf(encoder, nested, [[row]])
  expect(await hyparquet(file)).toEqual([{ ...row, before: [1, 2] }])
  expect(await duckdb('SELECT ids, pair.j AS j, last, typeof(ids) AS type FROM $file', await saved(file))).toEqual([
    { ids: [key], j: '{"a":[]}', last: key, type: 'UUID[]' },
  ])
})

test('a file without rows has its columns', async () => {
  await using encoder = new GroupEncoder({ plan: chat, compression: 'snappy' })
  const file = await fileOf(encoder, chat, [])
  expect(await hyparquet(file)).toEqual([])
  expect(parquetWasm(file).schema.fields.map(({ name }) => name)).toEqual(chat.columns.map(({ name }) => name))
  const name = await saved(file)
  expect(await duckdb('SELECT count(*) AS n FROM $file', name)).toEqual([{ n: '0' }])
  expect(await duckdb('DESCRIBE FROM $file', name)).toHaveLength(chat.columns.length)
})

test('statistics of every row group are those of its values', async () => {
  await using encoder = new GroupEncoder({ plan: chat, compression: 'snappy' })
  const file = await fileOf(encoder, chat, [rows(100), rows(50, 100)])
  const found = metadata(file).row_groups.map(({ columns }) =>
    columns
      .filter(({ meta_data }) => ['id', 'thread', 'key'].includes(meta_data?.path_in_schema[0] ?? ''))
      .map(({ meta_data }) => {
        const { min_value, max_value, null_count } = meta_data?.statistics ?? {}
        return [min_value, max_value, null_count]
      }),
  )
  const key = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`
  expect(found).toEqual([
    [
      [0n, 99n, 0n],
      ['thread-0', 'thread-9', 15n],
      [key(0), key(99), 0n],
    ],
    [
      [100n, 149n, 0n],
      ['thread-0', 'thread-9', 7n],
      [key(100), key(149), 0n],
    ],
  ])
})

test('readers find pages by the index, and rows by statistics', async () => {
  const columns = plan({ id: { kind: 'int', bits: 64 }, key: { kind: 'uuid' } })
  await using encoder = new GroupEncoder({ plan: columns, compression: 'snappy' })
  const key = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`
  const group = (from: number): Record<string, unknown>[] =>
    Array.from({ length: 45_000 }, (_, i) => ({ id: from + i, key: key(from + i) }))
  const file = await fileOf(encoder, columns, [group(0), group(45_000)])
  const bytes = bufferOf(file)
  const pages = metadata(file).row_groups.map(({ columns }) => columns.map((column) => pageStarts(bytes, column)))
  // No page has more than 20,000 rows, and each page stands where the index says.
  expect(pages).toEqual([
    [
      [0n, 20_000n, 40_000n],
      [0n, 20_000n, 40_000n],
    ],
    [
      [0n, 20_000n, 40_000n],
      [0n, 20_000n, 40_000n],
    ],
  ])

  let read = 0
  const slice = (from: number, to: number = bytes.byteLength): ArrayBuffer => {
    read += to - from
    return bytes.slice(from, to)
  }
  const found = await parquetReadObjects({
    file: { byteLength: bytes.byteLength, slice },
    metadata: metadata(file),
    compressors,
    rowStart: 70_000,
    rowEnd: 70_003,
    useOffsetIndex: true,
  })
  expect(found.map(({ id }) => Number(id))).toEqual([70_000, 70_001, 70_002])
  // One page of three, in one row group of two.
  expect(read).toBeGreaterThan(0)
  expect(read).toBeLessThan(bytes.byteLength / 4)

  const name = await saved(file)
  expect(await duckdb(`SELECT id FROM $file WHERE key = '${key(70_001)}'::UUID`, name)).toEqual([{ id: '70001' }])
  expect(await duckdb(`SELECT count(*) AS n FROM $file WHERE key < '${key(70_001)}'::UUID`, name)).toEqual([
    { n: '70001' },
  ])
})

test('a column takes the encoding that serves it', async () => {
  const columns = plan({
    ascending: { kind: 'int', bits: 64 },
    random: { kind: 'int', bits: 32 },
    few: { kind: 'text' },
    unique: { kind: 'text' },
    list: { kind: 'list', of: { kind: 'text' } },
  })
  await using encoder = new GroupEncoder({ plan: columns, compression: 'snappy' })
  const random = (n: number): number => Math.imul(n ^ 0x5bd1e995, 2_654_435_761) ^ (Math.imul(n, 40_503) << 7)
  const file = await fileOf(encoder, columns, [
    Array.from({ length: 20_000 }, (_, n) => ({
      ascending: n * 3,
      random: random(n),
      few: `thread-${n % 10}`,
      unique: `${random(n).toString(36)}-${n}`,
      list: [`a${n % 4}`],
    })),
  ])
  const encodings = metadata(file).row_groups[0]?.columns.map(({ meta_data }) => meta_data?.encodings.join())
  expect(encodings).toEqual([
    'RLE,DELTA_BINARY_PACKED',
    'PLAIN,RLE',
    'PLAIN,RLE,RLE_DICTIONARY',
    'PLAIN,RLE',
    'PLAIN,RLE,RLE_DICTIONARY',
  ])
})

test.for(['snappy', 'zstd'] as const)(
  'a file is at most a tenth larger than the one that DuckDB writes with %s',
  async (compression) => {
    const columns = plan({
      id: { kind: 'int', bits: 64 },
      thread: { kind: 'text' },
      content: { kind: 'text' },
      key: { kind: 'uuid' },
      meta: { kind: 'json' },
    })
    await using encoder = new GroupEncoder({ plan: columns, compression })
    const file = await fileOf(encoder, columns, [
      rows(20_000).map(({ id, thread, content, key, meta }) => ({ id, thread, content, key, meta })),
    ])
    const name = await saved(file)
    const other = `${name}.duckdb`
    await duckdb(`COPY (FROM $file) TO '${other}' (FORMAT parquet, COMPRESSION ${compression})`, name)
    expect(file.length).toBeLessThan((await stat(other)).size * 1.1)
  },
)

test('encodings chosen by a small row group are chosen again by a much larger one', async () => {
  const columns = plan({ few: { kind: 'text' } })
  await using encoder = new GroupEncoder({ plan: columns, compression: 'none' })
  const group = (count: number): Record<string, unknown>[] =>
    Array.from({ length: count }, (_, n) => ({ few: `thread-${n % 10}` }))
  const file = await fileOf(encoder, columns, [group(5), group(10_000), group(5)])
  const encodings = metadata(file).row_groups.map(({ columns }) => columns[0]?.meta_data?.encodings.join())
  expect(encodings).toEqual(['PLAIN,RLE', 'PLAIN,RLE,RLE_DICTIONARY', 'PLAIN,RLE,RLE_DICTIONARY'])
})

test('groups that are asked for at once come one after the other, each its own', async () => {
  await using encoder = new GroupEncoder({ plan: chat, compression: 'snappy' })
  const counts = [5, 1, 300, 20]
  const groups = await Promise.all(counts.map((count) => encoder.encode(ipcOf(chat, rows(count)))))
  expect(groups.map((group) => group.rows)).toEqual(counts)
})

test('the memory of the library stays what one row group needs', async () => {
  const columns = plan({ text: { kind: 'text' } })
  await using encoder = new GroupEncoder({ plan: columns, compression: 'snappy' })
  const group = Array.from({ length: 300 }, (_, n) => ({ text: `${n}`.repeat(100) }))
  for (let i = 0; i < 10; i++) await encoder.encode(ipcOf(columns, group))
  const after = encoder.libraryBytes
  expect(after).toBeGreaterThan(1_000_000)
  for (let i = 0; i < 490; i++) await encoder.encode(ipcOf(columns, group))
  expect(encoder.libraryBytes).toBe(after)
})

test('what the library cannot take is refused, and the next row group is encoded', async () => {
  const columns = plan({ n: { kind: 'int', bits: 32 } })
  await using encoder = new GroupEncoder({ plan: columns, compression: 'snappy' })
  const good = (): Uint8Array => ipcOf(columns, [{ n: 1 }])
  const texts = ipcOf(plan({ n: { kind: 'text' } }), [{ n: 'a'.repeat(8_000_000) }])
  const refused = {
    code: 'UNEXPECTED',
    message: expect.stringMatching(/could not encode a row group of \d+ bytes: .+/),
  }
  await expect(encoder.encode(texts.slice(0, -100_000))).rejects.toMatchObject(refused)
  await expect(encoder.encode(good())).resolves.toMatchObject({ rows: 1 })
  // Differences of texts: the library traps, and nothing of it can be used again.
  await expect(encoder.encode(texts)).rejects.toMatchObject(refused)
  await expect(encoder.encode(good())).resolves.toMatchObject({ rows: 1 })
  // It keeps the memory of what failed.
  expect(encoder.libraryBytes).toBeLessThan(8_000_000)
})

test('who waits for a thread that dies is told', async () => {
  const thread = await startThread()
  const answer = thread.encode({ ipc: ipcOf(chat, rows(5)), variants: [], onlyFooters: true })
  await thread.close()
  await expect(answer).rejects.toMatchObject({
    code: 'UNEXPECTED',
    message: expect.stringContaining('ended with code 1'),
  })
  await expect(thread.encode({ ipc: new Uint8Array(1), variants: [], onlyFooters: true })).rejects.toMatchObject({
    code: 'UNEXPECTED',
  })
})

test('a signal keeps a row group from its turn', async () => {
  await using encoder = new GroupEncoder({ plan: chat, compression: 'snappy' })
  const controller = new AbortController()
  const first = encoder.encode(ipcOf(chat, rows(2)), controller.signal)
  const second = encoder.encode(ipcOf(chat, rows(2)), controller.signal)
  const third = encoder.encode(ipcOf(chat, rows(3)))
  // The first has its turn already.
  await Promise.resolve()
  controller.abort()
  await expect(second).rejects.toMatchObject({ code: 'ABORTED' })
  await expect(first).resolves.toMatchObject({ rows: 2 })
  await expect(third).resolves.toMatchObject({ rows: 3 })
})

test('an encoder that is disposed rejects what waits, and what comes', async () => {
  const encoder = new GroupEncoder({ plan: chat, compression: 'snappy' })
  await encoder.schema()
  const waiting = [encoder.encode(ipcOf(chat, rows(2))), encoder.encode(ipcOf(chat, rows(2)))]
  const all = Promise.allSettled(waiting)
  await encoder[Symbol.asyncDispose]()
  expect(await all).toMatchObject([{ reason: { code: 'ABORTED' } }, { reason: { code: 'ABORTED' } }])
  await expect(encoder.encode(ipcOf(chat, rows(2)))).rejects.toMatchObject({ code: 'ABORTED' })
  await encoder[Symbol.asyncDispose]()
})

/** First rows of the pages of a column by its offset index; at the place of each there is the header of a data page. */
function pageStarts(file: ArrayBuffer, column: ColumnChunk): bigint[] {
  const at = Number(column.offset_index_offset)
  const index = readOffsetIndex({ view: new DataView(file, at, column.offset_index_length), offset: 0 })
  return index.page_locations.map(({ offset, first_row_index }) => {
    const header = readThrift(new Uint8Array(file, Number(offset)), 'the header').fields
    expect(header.get(1)).toEqual({ kind: 'i32', value: 0 })
    return first_row_index
  })
}
