import { join } from 'node:path'
import { type ValueSetName, valueSets } from '@drover/conformance'
import { type Field, from, memorySource, memoryStateStore, type Row, runPipeline } from '@drover/core'
import { expect, test } from 'vitest'
import { type ParquetSinkOptions, parquetSink, parquetSource } from '../src/index.js'
import { inSession, pagesOf, rowsOf, schemaOf, tempFolder } from './source-fixtures.js'

const names = (Object.keys(valueSets) as ValueSetName[]).filter((name) => name !== 'any')

/** A field for each set of values, and a record for each place in them; what a shorter set lacks is null. */
const fields: readonly Field[] = [
  { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false },
  ...names.map((name): Field => ({ name, type: valueSets[name].type, nullable: true })),
]
const longest = Math.max(...names.map((name) => valueSets[name].values.length))
const records = Array.from({ length: longest + 1 }, (_, i): Row => {
  return { id: i, ...Object.fromEntries(names.map((name) => [name, valueSets[name].values[i] ?? null])) }
})

async function exported(options: Omit<ParquetSinkOptions, 'outputPath'>, name: string): Promise<string> {
  const outputPath = join(await tempFolder(), name)
  await runPipeline({
    name: 'export',
    source: from(memorySource({ records, key: 'id', schema: { fields } })),
    sink: parquetSink({ outputPath, ...options }),
    state: memoryStateStore(),
  })
  return outputPath
}

test.each(['snappy', 'zstd', 'gzip', 'none'] as const)(
  'a file of our sink comes back with its values, types and key (%s)',
  async (compression) => {
    const path = await exported({ compression, rowGroupRows: 5 }, 'all.parquet')
    const source = parquetSource({ path })
    const [first, ...pages] = await pagesOf(source)
    const rows = [first, ...pages].flatMap((page) => page?.rows() ?? [])
    expect(rows).toEqual(records)
    expect(first?.keys()[0]).toEqual({ source: [0], child: 0 })
    expect(await schemaOf(source)).toEqual({ fields, key: ['id'] })
  },
)

test('a data set of our sink comes back with the columns of its folders', async () => {
  const partitionBy = ['text', 'int64', 'timestampUs', 'decimal', 'date', 'uuid', 'boolean'].filter(
    (name) => name !== 'text',
  )
  const path = await exported({ partitionBy }, 'set')
  const source = parquetSource({ path })
  const rows = await rowsOf(source)
  expect(rows.sort((a, b) => Number(a.id) - Number(b.id))).toEqual(records)
  const { key, fields: found } = await schemaOf(source)
  expect(key).toEqual(['id'])
  expect(new Map(found.map(({ name, type }) => [name, type]))).toEqual(
    new Map(fields.map(({ name, type }) => [name, type])),
  )
  const count = await inSession(
    source,
    (session) => session.count?.({ signal: new AbortController().signal }) ?? Promise.reject(),
  )
  expect(count).toEqual({ value: records.length, exact: true })
  const filtered = await rowsOf(source, { filter: { int64: { eq: 9_007_199_254_740_993n } } })
  expect(filtered.map(({ id }) => id)).toEqual([3])
})
