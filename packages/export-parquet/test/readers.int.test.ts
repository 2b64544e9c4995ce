import { mkdtempSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { canonical } from '@drover/conformance'
import { memorySource, memoryStateStore, type Row, runPipeline } from '@drover/core'
import { type FileMetaData, readColumnIndex, readOffsetIndex } from 'hyparquet'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ParquetSinkOptions, parquetSink } from '../src/index.js'
import { columns, fields, physical, records } from './support/every-type.js'
import { duckdb, readByDuckdb } from './support/read-duckdb.js'
import { metadataBy, readByHyparquet } from './support/read-hyparquet.js'

const folder = mkdtempSync(path.join(tmpdir(), 'drover-readers-'))
afterAll(() => rmSync(folder, { recursive: true }))

const rowGroupRows = 50
const given = records(130)
const expected = given.map((record) =>
  Object.fromEntries([['id', record.id], ...columns.map(({ name, type }) => [name, physical(record[name], type)])]),
)

async function written(name: string, options: Partial<ParquetSinkOptions> = {}): Promise<string> {
  const outputPath = path.join(folder, `${name}.parquet`)
  const report = await runPipeline({
    name,
    source: memorySource({ records: given, key: 'id', schema: { fields } }),
    sink: parquetSink({ outputPath, rowGroupRows, ...options }),
    state: memoryStateStore(),
  })
  expect(report).toMatchObject({ counts: { written: given.length, rejected: 0 }, warnings: [] })
  return outputPath
}

/** Differences by column, the first ones: a thousand lines of values help nobody. */
function differing(found: readonly Row[], names: readonly string[]): string[] {
  const lines = names.flatMap((name) =>
    expected.flatMap((row, i) => {
      const [want, got] = [canonical(row[name]), canonical(found[i]?.[name])]
      return want === got ? [] : [`${name} of record ${i}: ${want.slice(0, 80)} became ${got.slice(0, 80)}`]
    }),
  )
  return lines.slice(0, 20)
}

describe.each(['snappy', 'zstd', 'gzip', 'none'] as const)('every value of every type, by %s,', (compression) => {
  let file: string
  beforeAll(async () => {
    file = await written(compression, { compression })
  })

  it('is found by hyparquet', async () => {
    const found = await readByHyparquet(file)
    expect(found.map(({ id }) => id)).toEqual(given.map(({ id }) => id))
    expect(
      differing(
        found,
        columns.map(({ name }) => name),
      ),
    ).toEqual([])
  })

  it('is found by DuckDB', async () => {
    const found = await readByDuckdb(file)
    expect(found.map(({ id }) => id)).toEqual(given.map(({ id }) => id))
    const names = columns.filter(({ isBeyondDuckdb }) => !isBeyondDuckdb).map(({ name }) => name)
    expect(differing(found, names)).toEqual([])
  })

  it('is compressed as it says', async () => {
    const { row_groups } = await metadataBy(file)
    const codecs = new Set(row_groups.flatMap((group) => group.columns.map((column) => column.meta_data?.codec)))
    expect([...codecs]).toEqual([compression === 'none' ? 'UNCOMPRESSED' : compression.toUpperCase()])
  })
})

describe('what stands in the footer', () => {
  let file: string
  let metadata: FileMetaData
  beforeAll(async () => {
    file = await written('footer')
    metadata = await metadataBy(file)
  })

  /** Rows of a row group. */
  const rowsOf = (group: number): Row[] => expected.slice(group * rowGroupRows, (group + 1) * rowGroupRows)
  const valuesOf = (group: number, name: string): unknown[] =>
    rowsOf(group).flatMap((row) => (row[name] === null ? [] : [row[name]]))

  it('are row groups of the size that was asked for', () => {
    expect(metadata.row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([50, 50, 30])
    expect(Number(metadata.num_rows)).toBe(130)
  })

  it('are annotations that readers know', async () => {
    const described = await duckdb(
      `SELECT column_name AS name, column_type AS type FROM (DESCRIBE FROM read_parquet('${file}'))`,
    )
    expect(Object.fromEntries(described.map(({ name, type }) => [name, type]))).toEqual({
      id: 'INTEGER',
      boolean: 'BOOLEAN',
      int8: 'TINYINT',
      int16: 'SMALLINT',
      int32: 'INTEGER',
      int64: 'BIGINT',
      float32: 'FLOAT',
      float64: 'DOUBLE',
      oddFloats: 'DOUBLE',
      price: 'DECIMAL(9,2)',
      amount: 'DECIMAL(18,0)',
      decimal: 'DECIMAL(38,10)',
      wide: 'DECIMAL(38,0)',
      fraction: 'DECIMAL(38,38)',
      text: 'VARCHAR',
      few: 'VARCHAR',
      nulText: 'VARCHAR',
      bytes: 'BLOB',
      date: 'DATE',
      time: 'TIME',
      timestampMs: 'TIMESTAMP WITH TIME ZONE',
      timestampUs: 'TIMESTAMP WITH TIME ZONE',
      timestampNs: 'TIMESTAMP WITH TIME ZONE',
      localMs: 'TIMESTAMP',
      localUs: 'TIMESTAMP',
      localNs: 'TIMESTAMP_NS',
      uuid: 'UUID',
      json: 'JSON',
      texts: 'VARCHAR[]',
      ints: 'BIGINT[]',
      nested: 'INTEGER[][]',
      struct: 'STRUCT(id BIGINT, tags VARCHAR[])',
      vector: 'FLOAT[]',
    })
    const element = (name: string) => metadata.schema.find((one) => one.name === name)
    expect(element('uuid')).toMatchObject({
      type: 'FIXED_LEN_BYTE_ARRAY',
      type_length: 16,
      logical_type: { type: 'UUID' },
    })
    expect(element('json')).toMatchObject({ type: 'BYTE_ARRAY', logical_type: { type: 'JSON' } })
    expect(element('id')?.repetition_type).toBe('REQUIRED')
    for (const [name, zone, unit] of [
      ['timestampMs', true, 'MILLIS'],
      ['timestampUs', true, 'MICROS'],
      ['timestampNs', true, 'NANOS'],
      ['localMs', false, 'MILLIS'],
      ['localUs', false, 'MICROS'],
      ['localNs', false, 'NANOS'],
    ] as const) {
      expect(element(name)?.logical_type, name).toMatchObject({ type: 'TIMESTAMP', isAdjustedToUTC: zone, unit })
    }
  })

  it.each(metadataColumns())('are the smallest and largest values and the nulls of %s, group by group', (name) => {
    for (const group of [0, 1, 2]) {
      const chunk = metadata.row_groups[group]?.columns.find(({ meta_data }) => meta_data?.path_in_schema[0] === name)
      const statistics = chunk?.meta_data?.statistics
      expect(Number(statistics?.null_count), `nulls in group ${group}`).toBe(
        rowsOf(group).length - valuesOf(group, name).length,
      )
      const [least, most] = range(valuesOf(group, name))
      expect([comparable(statistics?.min_value), comparable(statistics?.max_value)], `group ${group}`).toEqual([
        least,
        most,
      ])
    }
  })

  it('are smallest and largest decimals of 38 digits', async () => {
    const found = await duckdb(
      `SELECT row_group_id::INT AS id, path_in_schema AS name, stats_min_value AS least, stats_max_value AS most
       FROM parquet_metadata('${file}') WHERE path_in_schema IN ('wide', 'decimal', 'fraction', 'price') ORDER BY ALL`,
    )
    expect(found).toHaveLength(12)
    for (const { id, name, least, most } of found) {
      const digits = [least, most].map((value) => BigInt(String(value).replace('.', '')))
      expect(digits, `${name} of group ${id}`).toEqual(range(valuesOf(id as number, name as string)))
    }
  })

  it('is an index of pages that tells where they are, and their smallest and largest values', async () => {
    const handle = await open(file)
    try {
      const read = async (at: bigint | undefined, length: number | undefined) => {
        const bytes = new Uint8Array(length ?? 0)
        await handle.read(bytes, 0, bytes.length, Number(at))
        return { view: new DataView(bytes.buffer), offset: 0 }
      }
      for (const [group, { columns: chunks, num_rows }] of metadata.row_groups.entries()) {
        for (const chunk of chunks) {
          const leaf = chunk.meta_data?.path_in_schema ?? []
          const { page_locations } = readOffsetIndex(await read(chunk.offset_index_offset, chunk.offset_index_length))
          expect(Number(page_locations[0]?.first_row_index), leaf.join('.')).toBe(0)
          const end = Number(page_locations.at(-1)?.offset) + Number(page_locations.at(-1)?.compressed_page_size)
          const begin = Number(chunk.meta_data?.dictionary_page_offset || chunk.meta_data?.data_page_offset)
          expect(end, leaf.join('.')).toBe(begin + Number(chunk.meta_data?.total_compressed_size))
          if (leaf[0] !== 'int64') continue
          const element = metadata.schema.find((one) => one.name === 'int64')
          if (element === undefined) throw new Error('there is no column int64')
          const index = readColumnIndex(await read(chunk.column_index_offset, chunk.column_index_length), element)
          expect(index.min_values.length).toBe(page_locations.length)
          const [least, most] = range(valuesOf(group, 'int64'))
          expect([range(index.min_values)[0], range(index.max_values)[1]]).toEqual([least, most])
          expect(Number(num_rows)).toBe(rowsOf(group).length)
        }
      }
    } finally {
      await handle.close()
    }
  })
})

/** Columns whose order is that of their physical values, in a form that hyparquet gives whole. */
function metadataColumns(): string[] {
  const kinds = new Set(['int', 'date', 'time', 'timestamp'])
  return [...columns.filter(({ type }) => kinds.has(type.kind)).map(({ name }) => name), 'few', 'float64', 'boolean']
}

type Comparable = bigint | number | string | boolean

function range(values: readonly unknown[]): [Comparable, Comparable] {
  const sorted = (values as Comparable[]).toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  return [sorted[0] as Comparable, sorted.at(-1) as Comparable]
}

function comparable(value: unknown): unknown {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value)
  return typeof value === 'string' ? Buffer.from(value).toString('hex') : value
}
