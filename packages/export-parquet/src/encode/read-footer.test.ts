import { open, readFile } from 'node:fs/promises'
import { DroverError } from '@drover/core'
import { Table as ArrowTable, Int32, tableToIPC, Utf8, vectorFromArray } from 'apache-arrow'
import fc from 'fast-check'
import { Table as WasmTable, WriterPropertiesBuilder, writeParquet } from 'parquet-wasm'
import { expect, test } from 'vitest'
import { metadataOf } from './cut-group.js'
import { fileFooter } from './file-footer.js'
import { GroupEncoder } from './group-encoder.js'
import { columnField, fileField, groupField } from './metadata.js'
import { type FooterOfFile, readFooterOf } from './read-footer.js'
import { type ThriftValue, writeThrift } from './thrift.js'
import { structList, structsAt, text, withFields } from './thrift-fields.js'
import { duckdb, fileOf, folder, hyparquet, metadata, parquetWasm, saved } from './written-file.js'
import { ipcOf, plan } from './written-rows.js'

const columns = plan({ id: { kind: 'int', bits: 32 }, name: { kind: 'text' } })

function rows(count: number, from = 0): { id: number; name: string }[] {
  return Array.from({ length: count }, (_, i) => ({ id: from + i, name: `name-${(from + i) % 20}` }))
}

async function footerOf(file: Uint8Array): Promise<FooterOfFile> {
  const handle = await open(await saved(file))
  try {
    return await readFooterOf(handle, file.length, 'a.parquet')
  } finally {
    await handle.close()
  }
}

/** The file with row groups behind it. */
async function appended(
  file: Uint8Array,
  encoder: GroupEncoder,
  groups: readonly (readonly { id: number }[])[],
): Promise<Buffer> {
  const { groups: there, schema, dataEnd } = await footerOf(file)
  const parts = [file.subarray(0, dataEnd)]
  const placed = [...there]
  let at = dataEnd
  for (const group of groups) {
    const { chunks, footer } = await encoder.encode(ipcOf(columns, group))
    parts.push(chunks)
    placed.push({ footer, at })
    at += chunks.length
  }
  return Buffer.concat([...parts, await fileFooter(placed, { schema, keyValues: { added: 'yes' }, at })])
}

test('a footer that is read and written again is the same', async () => {
  await using encoder = new GroupEncoder({ plan: columns, compression: 'snappy' })
  const file = await fileOf(encoder, columns, [rows(30), rows(20, 30)], { 'drover.schema': '{}' })
  const { groups, schema, dataEnd, keyValues, rows: count } = await footerOf(file)
  expect(count).toBe(50)
  expect(keyValues).toMatchObject({ 'drover.schema': '{}', 'ARROW:schema': expect.any(String) })
  const again = Buffer.concat([file.subarray(0, dataEnd), await fileFooter(groups, { schema, at: dataEnd })])
  expect(again.equals(file)).toBe(true)
})

test('row groups behind those of a file of ours are found by three readers', async () => {
  await using encoder = new GroupEncoder({ plan: columns, compression: 'zstd' })
  const file = await fileOf(encoder, columns, [rows(30)], { 'drover.schema': '{}', added: 'not yet' })
  const longer = await appended(await appended(file, encoder, [rows(20, 30), rows(1, 50)]), encoder, [rows(9, 51)])
  expect(await hyparquet(longer)).toEqual(rows(60))
  expect(parquetWasm(longer).numRows).toBe(60)
  const name = await saved(longer)
  expect(await duckdb('SELECT id, name FROM $file', name)).toEqual(rows(60))
  expect(
    await duckdb('SELECT decode(key) AS key, decode(value) AS value FROM parquet_kv_metadata($file) OFFSET 1', name),
  ).toEqual([
    { key: 'drover.schema', value: '{}' },
    { key: 'added', value: 'yes' },
  ])
  const groups = metadata(longer).row_groups
  expect(groups.map(({ ordinal, num_rows }) => [ordinal, num_rows])).toEqual([
    [0, 30n],
    [1, 20n],
    [2, 1n],
    [3, 9n],
  ])
  // Page indexes of before are not left behind in the middle of the file.
  const whole = await fileOf(encoder, columns, [rows(30), rows(20, 30), rows(1, 50), rows(9, 51)], {
    'drover.schema': '{}',
    added: 'yes',
  })
  expect(longer.length).toBe(whole.length)
})

test('row groups behind those that DuckDB wrote are found, its Bloom filters stay in use', async () => {
  await using encoder = new GroupEncoder({ plan: columns, compression: 'snappy' })
  const name = `${await folder()}/duck.parquet`
  await duckdb(
    `COPY (SELECT i::INTEGER AS id, 'name-' || i % 20 AS name FROM range(5000) r(i)) TO $file (FORMAT parquet, ROW_GROUP_SIZE 2048)`,
    name,
  )
  const file = await readFile(name)
  const longer = await appended(file, encoder, [rows(20, 5000)])
  expect(await hyparquet(longer)).toEqual(rows(5020))
  expect(parquetWasm(longer).numRows).toBe(5020)
  const saves = await saved(longer)
  expect(await duckdb('SELECT id, name FROM $file', saves)).toEqual(rows(5020))
  const probe = `SELECT bloom_filter_excludes AS excludes FROM parquet_bloom_probe($file, 'name', 'name-x')`
  expect(await duckdb(probe, saves)).toEqual([...(await duckdb(probe, await saved(file))), { excludes: false }])
  expect(await duckdb('SELECT created_by FROM parquet_file_metadata($file)', saves)).toEqual([
    { created_by: expect.stringContaining('DuckDB') },
  ])
})

test('page indexes of another writer stand where the new footer says', async () => {
  await using encoder = new GroupEncoder({ plan: columns, compression: 'snappy' })
  const table = new ArrowTable({
    id: vectorFromArray(
      rows(50_000).map(({ id }) => id),
      new Int32(),
    ),
    name: vectorFromArray(
      rows(50_000).map(({ name }) => name),
      new Utf8(),
    ),
  })
  const properties = new WriterPropertiesBuilder().setMaxRowGroupSize(30_000).build()
  const file = writeParquet(WasmTable.fromIPCStream(tableToIPC(table, 'stream')), properties)
  const longer = await appended(file, encoder, [rows(20, 50_000)])
  expect(await hyparquet(longer, { rowStart: 25_000, rowEnd: 25_002, useOffsetIndex: true })).toEqual(rows(2, 25_000))
  expect(await hyparquet(longer, { rowStart: 50_018, rowEnd: 50_020, useOffsetIndex: true })).toEqual(rows(2, 50_018))
  expect(parquetWasm(longer).numRows).toBe(50_020)
})

test.for<[string, (file: Buffer) => Uint8Array, RegExp]>([
  ['is empty', () => new Uint8Array(), /^a\.parquet is no Parquet file: it has 0 bytes\.$/],
  [
    'holds something else',
    () => Buffer.from('{"a":1}\n{"a":2}\n'),
    /^a\.parquet is no Parquet file: it does not begin with PAR1\.$/,
  ],
  ['is cut short', (file) => file.subarray(0, -20), /^a\.parquet is cut short, or not finished: /],
  [
    'is encrypted',
    (file) => Buffer.concat([Buffer.from('PARE'), file.subarray(4, -4), Buffer.from('PARE')]),
    /^a\.parquet is an encrypted Parquet file\./,
  ],
  [
    'has an encrypted footer',
    (file) => Buffer.concat([file.subarray(0, -4), Buffer.from('PARE')]),
    /^a\.parquet is an encrypted Parquet file\./,
  ],
  [
    'has encrypted columns',
    (file) => edited(file, {}, { [columnField.encryption]: { kind: 'struct', fields: new Map() } }),
    /^a\.parquet holds encrypted columns\./,
  ],
  [
    'is encrypted beneath a plain footer',
    (file) => edited(file, { [fileField.encryption]: { kind: 'struct', fields: new Map() } }, {}),
    /^a\.parquet holds encrypted columns\./,
  ],
  [
    'has its columns elsewhere',
    (file) => edited(file, {}, { [columnField.filePath]: text('part-1.parquet') }),
    /^a\.parquet has columns in another file \("part-1\.parquet"\)\.$/,
  ],
  [
    'has no metadata of a column',
    (file) => edited(file, {}, { [columnField.metadata]: undefined }),
    /^a\.parquet is damaged: its footer says nothing of a column\.$/,
  ],
  [
    'names bytes beyond its end',
    (file) => edited(file, {}, { [columnField.columnIndexOffset]: { kind: 'i64', value: 1n << 40n } }),
    /^a\.parquet is damaged: its footer names bytes 1099511627776 to /,
  ],
  [
    'has page indexes on top of each other',
    (file) => edited(file, {}, { [columnField.columnIndexOffset]: { kind: 'i64', value: 4n } }),
    /^a\.parquet is damaged: two of its page indexes overlap\.$/,
  ],
  [
    'has a footer longer than itself',
    (file) => withLength(file, 0xffffffff),
    /^a\.parquet is damaged: its footer would be longer \(4294967295 bytes\)/,
  ],
  ['has a footer that is none', (file) => withLength(file, 30), /^The footer of a\.parquet cannot be read: /],
])('a file that %s is refused', async ([, change, message]) => {
  await using encoder = new GroupEncoder({ plan: columns, compression: 'snappy' })
  const file = change(await fileOf(encoder, columns, [rows(30)]))
  await expect(footerOf(file)).rejects.toMatchObject({
    code: 'SOURCE_INVALID',
    message: expect.stringMatching(message),
  })
})

test('a file that is damaged anywhere in its footer is read, or refused with a sentence', async () => {
  await using encoder = new GroupEncoder({ plan: columns, compression: 'snappy' })
  const file = await fileOf(encoder, columns, [rows(30), rows(20, 30)])
  const name = await saved(file)
  const handle = await open(name, 'r+')
  const dataEnd = (await footerOf(file)).dataEnd
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: dataEnd, max: file.length - 1 }), fc.nat(255), async (at, byte) => {
      await handle.write(Uint8Array.of(byte), 0, 1, at)
      try {
        await readFooterOf(handle, file.length, 'a.parquet')
      } catch (error) {
        if (!DroverError.isInstance(error, 'SOURCE_INVALID')) throw error
      } finally {
        await handle.write(file.subarray(at, at + 1), 0, 1, at)
      }
    }),
    { numRuns: 300 },
  )
  await handle.close()
})

/** The file with fields of its footer, and of each of its column chunks, set anew. */
function edited(
  file: Buffer,
  ofFile: Readonly<Record<number, ThriftValue>>,
  ofColumn: Readonly<Record<number, ThriftValue | undefined>>,
): Buffer {
  const fields = metadataOf(file)
  const groups = structsAt(fields, fileField.groups, 'it').map((group) =>
    withFields(group, {
      [groupField.columns]: structList(
        structsAt(group, groupField.columns, 'it').map((column) => withFields(column, ofColumn)),
      ),
    }),
  )
  const footer = writeThrift(withFields(fields, { ...ofFile, [fileField.groups]: structList(groups) }))
  const dataAndIndexes = file.subarray(0, file.length - 8 - file.readUInt32LE(file.length - 8))
  return withLength(Buffer.concat([dataAndIndexes, footer, Buffer.alloc(4), Buffer.from('PAR1')]), footer.length)
}

function withLength(file: Buffer, length: number): Buffer {
  const copy = Buffer.from(file)
  copy.writeUInt32LE(length, copy.length - 8)
  return copy
}
