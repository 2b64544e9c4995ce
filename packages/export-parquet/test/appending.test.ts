import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Field,
  type LogicalType,
  memorySink,
  memorySource,
  memoryStateStore,
  memoryStore,
  type Report,
  type Row,
  runPipeline,
} from '@drover/core'
import { expect, onTestFinished, test } from 'vitest'
import { type DatasetManifest, type ParquetSinkOptions, parquetSink, parquetSource } from '../src/index.js'
import { copyTo, schemaOf } from './source-fixtures.js'
import { duckdb } from './support/read-duckdb.js'
import { metadataBy } from './support/read-hyparquet.js'

const int: LogicalType = { kind: 'int', bits: 64 }
const text: LogicalType = { kind: 'text' }

function tempFolder(): string {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'drover-parquet-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** `at` and the field inside of `size` may be null or not. */
function fieldsOf(nullable: boolean): Field[] {
  const size: LogicalType = { kind: 'struct', fields: [{ name: 'w', type: int, nullable }] }
  return [
    { name: 'id', type: int, nullable: false },
    { name: 'at', type: text, nullable },
    { name: 'size', type: size, nullable: true },
    { name: 'sizes', type: { kind: 'list', of: size }, nullable: true },
  ]
}

function recordsOf(from: number, to: number): Row[] {
  return Array.from({ length: to - from }, (_, i) => {
    const id = from + i
    return { id, at: `t${id}`, size: { w: id }, sizes: [{ w: id }, null] }
  })
}

const withNull: Row = { id: 99, at: null, size: { w: null }, sizes: [{ w: null }] }

let runs = 0

async function run(options: ParquetSinkOptions, fields: readonly Field[], records: readonly Row[]): Promise<Report> {
  return runPipeline({
    name: `export ${++runs}`,
    source: memorySource({ records, key: 'id', schema: { fields } }),
    sink: parquetSink(options),
    state: memoryStateStore(),
    maxRejected: 0,
  })
}

async function recordsIn(path: string): Promise<Row[]> {
  const store = memoryStore<Row>()
  await runPipeline({ name: 'back', source: parquetSource({ path }), sink: memorySink({ store }) })
  return [...store.rows].sort((a, b) => Number(a.id) - Number(b.id))
}

async function repetitionOf(path: string, column: string): Promise<string | undefined> {
  const { schema } = await metadataBy(path)
  return schema.find(({ name }) => name === column)?.repetition_type
}

const manifestOf = (path: string): DatasetManifest => JSON.parse(readFileSync(path, 'utf8')) as DatasetManifest

test('columns that are never null are added to a file where they may be, and its own stay', async () => {
  const outputPath = join(tempFolder(), 'out.parquet')
  await run({ outputPath }, fieldsOf(true), [...recordsOf(0, 3), withNull])
  await run({ outputPath, onExisting: 'append' }, fieldsOf(false), recordsOf(3, 6))
  expect(await recordsIn(outputPath)).toEqual([...recordsOf(0, 6), withNull])
  expect((await schemaOf(parquetSource({ path: outputPath }))).fields).toEqual(fieldsOf(true))
  expect(manifestOf(`${outputPath}.manifest.json`).schema.fields).toEqual(fieldsOf(true))
  const found = await duckdb(`SELECT count(*)::INT AS n, count("at")::INT AS "at" FROM '${outputPath}'`)
  expect(found).toMatchObject([{ n: 7, at: 6 }])
})

test('they are added to a file of DuckDB, which calls every column optional', async () => {
  const outputPath = join(tempFolder(), 'out.parquet')
  await copyTo(outputPath, `SELECT 1::BIGINT AS id, 'x' AS at UNION ALL SELECT 2, NULL`)
  const fields = fieldsOf(false).slice(0, 2)
  await run({ outputPath, onExisting: 'append' }, fields, [{ id: 3, at: 'z' }])
  expect(await recordsIn(outputPath)).toEqual([
    { id: 1, at: 'x' },
    { id: 2, at: null },
    { id: 3, at: 'z' },
  ])
})

test('columns that may be null are not added to a file where they never are, and it is said what helps', async () => {
  const outputPath = join(tempFolder(), 'out.parquet')
  await run({ outputPath }, fieldsOf(false), recordsOf(0, 3))
  const before = readFileSync(outputPath)
  const error = await run({ outputPath, onExisting: 'append' }, fieldsOf(true), recordsOf(3, 4)).catch((it) => it)
  expect(error).toMatchObject({
    code: 'SINK_NOT_READY',
    message: expect.stringMatching(/no place for a null in its column at.*never null.*a folder/),
  })
  expect(error.message).not.toContain('with types')
  expect(readFileSync(outputPath).equals(before)).toBe(true)
})

test.each([
  ['lost', false, true],
  ['got', true, false],
] as const)('a data set goes on when its columns have %s NOT NULL', async (_, first, second) => {
  const outputPath = join(tempFolder(), 'out')
  const append = { outputPath, onExisting: 'append' } as const
  await run(append, fieldsOf(first), [...recordsOf(0, 3), ...(first ? [withNull] : [])])
  await run(append, fieldsOf(second), [...recordsOf(3, 6), ...(second ? [withNull] : [])])
  await run(append, fieldsOf(first), recordsOf(6, 7))
  expect(await recordsIn(outputPath)).toEqual([...recordsOf(0, 7), withNull])
  expect(manifestOf(join(outputPath, '_manifest.json')).schema.fields).toEqual(fieldsOf(true))
  for (const manifest of ['use', 'ignore'] as const) {
    const { fields } = await schemaOf(parquetSource({ path: outputPath, manifest }))
    expect(fields).toEqual(fieldsOf(true))
  }
  const files = readdirSync(outputPath).filter((name) => name.endsWith('.parquet'))
  const required = await Promise.all(files.map((name) => repetitionOf(join(outputPath, name), 'at')))
  expect(required.sort()).toEqual(first ? ['OPTIONAL', 'OPTIONAL', 'REQUIRED'] : ['OPTIONAL', 'REQUIRED', 'REQUIRED'])
  const found = await duckdb(`SELECT count(*)::INT AS n, count("at")::INT AS "at" FROM '${outputPath}/*.parquet'`)
  expect(found).toEqual([{ n: 8, at: 7 }])
})

test('files that differ in what may be null are read as one, whichever comes first', async () => {
  const folder = tempFolder()
  const names = ['a.parquet', 'b.parquet', 'c.parquet']
  for (const [i, name] of names.entries()) {
    await run({ outputPath: join(folder, name), manifest: false }, fieldsOf(i === 1), [...recordsOf(i, i + 1)])
  }
  expect((await schemaOf(parquetSource({ path: folder }))).fields).toEqual(fieldsOf(true))
  expect(await recordsIn(folder)).toEqual(recordsOf(0, 3))
})

test('a data set that is replaced forgets what was null in it', async () => {
  const outputPath = join(tempFolder(), 'out')
  await run({ outputPath }, fieldsOf(true), recordsOf(0, 1))
  await run({ outputPath }, fieldsOf(false), recordsOf(0, 1))
  expect(manifestOf(join(outputPath, '_manifest.json')).schema.fields).toEqual(fieldsOf(false))
})

test('a run that goes on with a file keeps the columns that it began with', async () => {
  const outputPath = join(tempFolder(), 'out.parquet')
  await run({ outputPath }, fieldsOf(true), [withNull])
  const attempt = async (stopAfter?: { records: number }) =>
    runPipeline({
      name: 'night',
      source: memorySource({ records: recordsOf(0, 6), key: 'id', schema: { fields: fieldsOf(false) } }),
      sink: parquetSink({ outputPath, onExisting: 'append' }),
      batchSize: 2,
      ...(stopAfter === undefined ? {} : { stopAfter }),
    })
  expect(await attempt({ records: 2 })).toMatchObject({ counts: { written: 2 } })
  expect(await recordsIn(outputPath)).toEqual([withNull])
  await attempt()
  expect(await recordsIn(outputPath)).toEqual([...recordsOf(0, 6), withNull])
})

test('a run of which nothing but its claim is there goes on with the columns of the file', async () => {
  const outputPath = join(tempFolder(), 'out.parquet')
  await run({ outputPath }, fieldsOf(true), [withNull])
  const { signal } = new AbortController()
  const schema = { fields: fieldsOf(false), key: ['id'] }
  const partition = { id: 'all', bounds: null }
  const sink = parquetSink({ outputPath, onExisting: 'append' })
  for (const fence of [1, 2]) {
    await using session = await sink.connect({ signal })
    await session.prepare?.(schema, { signal })
    expect(await session.claim({ run: 'r', partition, fence }, { signal })).toBeNull()
    if (fence === 1) continue
    const counts = { read: 0, written: 0, filtered: 0, rejected: 0, emitted: 0, inserted: 0, updated: 0, skipped: 0 }
    const position = { run: 'r', partition, fence, sequence: 1, cursor: null, done: true, counts }
    const batch = { partition, sequence: 1, commit: async () => position, async *[Symbol.asyncIterator]() {} }
    await session.write(batch, { signal, mode: 'commit' })
    await session.finish?.('completed', { signal })
  }
  expect(await recordsIn(outputPath)).toEqual([withNull])
  expect((await schemaOf(parquetSource({ path: outputPath }))).fields).toEqual(fieldsOf(true))
})

test.each([
  ['{"version": 1, "writer": "drov', /no whole JSON.*Put it back/],
  ['', /is empty.*Put it back/],
  ['{"writer":"drover","version":2}', /version 2.*knows 1.*Use the Drover that wrote it/],
  ['{"writer":"drover","version":1,"files":7}', /does not hold what a manifest/],
  ['{"entries":[]}', /another program.*Move it away/],
])('a manifest that cannot be read is what is refused, not the files that it would name: %s', async (content, said) => {
  const outputPath = join(tempFolder(), 'out')
  await run({ outputPath }, fieldsOf(true), recordsOf(0, 2))
  const path = join(outputPath, '_manifest.json')
  writeFileSync(path, content)
  const files = readdirSync(outputPath)
  for (const onExisting of ['append', 'replace'] as const) {
    const error = await run({ outputPath, onExisting }, fieldsOf(true), recordsOf(2, 3)).catch((it) => it)
    expect(error).toMatchObject({ code: 'SINK_NOT_READY', message: expect.stringMatching(said) })
    expect(error.message).toContain(path)
  }
  expect(readdirSync(outputPath)).toEqual(files)
  expect(readFileSync(path, 'utf8')).toBe(content)
})

test('a manifest of another program is not written over, where it stands alone too', async () => {
  const outputPath = tempFolder()
  writeFileSync(join(outputPath, '_manifest.json'), '{}')
  await expect(run({ outputPath }, fieldsOf(true), recordsOf(0, 1))).rejects.toMatchObject({ code: 'SINK_NOT_READY' })
  expect(readFileSync(join(outputPath, '_manifest.json'), 'utf8')).toBe('{}')
})

test('times with nanoseconds are written where they have none, and refused with what helps where they have', async () => {
  const folder = tempFolder()
  const path = await copyTo(
    join(folder, 'ns.parquet'),
    `SELECT i AS id, t::TIME_NS AS t FROM (VALUES (1::BIGINT, '12:00:00.123456'), (2, '23:59:59.123456789')) AS x(i, t)`,
  )
  const into = (outputPath: string, types: ParquetSinkOptions['types'] = {}) =>
    runPipeline({
      name: `times ${++runs}`,
      source: parquetSource({ path }),
      sink: parquetSink({ outputPath, types }),
      state: memoryStateStore(),
      maxRejected: 1,
    })
  const { counts, rejected } = await into(join(folder, 'micro.parquet'))
  expect(counts).toMatchObject({ written: 1, rejected: 1 })
  expect(rejected[0]?.message).toMatch(/"t".*finer than a microsecond.*'text'/)
  expect(await recordsIn(join(folder, 'micro.parquet'))).toEqual([{ id: 1, t: '12:00:00.123456' }])
  await into(join(folder, 'text.parquet'), { t: 'text' })
  expect((await recordsIn(join(folder, 'text.parquet'))).map(({ t }) => t)).toEqual([
    '12:00:00.123456',
    '23:59:59.123456789',
  ])
})

test('a name that ends in capitals is one file, and counts in a folder', async () => {
  const folder = tempFolder()
  const outputPath = join(folder, 'OUT.PARQUET')
  await run({ outputPath }, fieldsOf(true), recordsOf(0, 2))
  await run({ outputPath, onExisting: 'append' }, fieldsOf(true), recordsOf(2, 3))
  expect(await recordsIn(outputPath)).toEqual(recordsOf(0, 3))
  expect(await recordsIn(folder)).toEqual(recordsOf(0, 3))
})
