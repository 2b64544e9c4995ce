import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { appendFile, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { canonical } from '@drover/conformance'
import {
  dryRun,
  type Field,
  from,
  type LogicalType,
  memorySink,
  memorySource,
  memoryStateStore,
  memoryStore,
  type Report,
  type Row,
  runPipeline,
} from '@drover/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type DatasetManifest, type ParquetSinkOptions, parquetSink, parquetSource } from '../src/index.js'
import { duckdb } from './support/read-duckdb.js'
import { metadataBy } from './support/read-hyparquet.js'
import { filesBelow, recordsOfFile } from './support/sink-contents.js'

function tempFolder(): string {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'drover-parquet-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const field = (name: string, type: LogicalType, nullable = true): Field => ({ name, type, nullable })
const int: LogicalType = { kind: 'int', bits: 64 }
const text: LogicalType = { kind: 'text' }
const idAndName = [field('id', int, false), field('name', text)]
const people = (from: number, to: number): Row[] =>
  Array.from({ length: to - from }, (_, i) => ({ id: from + i, name: `n${from + i}` }))

async function readIds(path: string): Promise<unknown[]> {
  const store = memoryStore<Row>()
  await runPipeline({ name: 'back', source: parquetSource({ path }), sink: memorySink({ store }) })
  return store.rows.map(({ id }) => id).sort()
}

interface Run {
  readonly records: readonly Row[]
  readonly fields?: readonly Field[]
  readonly name?: string
  readonly batchSize?: number
}

async function run(options: ParquetSinkOptions, { records, fields, name = 'export', batchSize }: Run): Promise<Report> {
  const described = fields === undefined ? {} : { schema: { fields } }
  return runPipeline({
    name,
    source:
      fields === undefined
        ? from(memorySource({ records, key: 'id' })).pipe(asItIs)
        : memorySource({ records, key: 'id', ...described }),
    sink: parquetSink(options),
    state: memoryStateStore(),
    maxRejected: 100,
    ...(batchSize === undefined ? {} : { batchSize }),
  })
}

/** A step of which nobody knows what it gives. */
const asItIs = (record: Row): Row => ({ ...record })

function manifestOf(folder: string, name = '_manifest.json'): DatasetManifest {
  return JSON.parse(readFileSync(join(folder, name), 'utf8')) as DatasetManifest
}

const idsIn = async (path: string): Promise<unknown[]> =>
  (await recordsOfFile(path, idAndName)).map(({ id }) => id).sort((a, b) => Number(a) - Number(b))

describe('folders by values', () => {
  const texts = [
    'plain',
    'a/b',
    '',
    null,
    '.',
    '..',
    '%',
    '%41',
    '=',
    'a=b',
    '\u0000\u0001\u007f',
    'line\nfeed',
    'Grüße, 日本語 😀',
    'é',
    'é',
    'US',
    'us',
    ' blank ',
    'point.',
    'a+b',
    'NULL',
    'null',
    '__HIVE_DEFAULT_PARTITION__',
    '*?[]"\\|<>',
    'con',
  ]
  const day: LogicalType = { kind: 'date' }
  const cases: readonly [string, LogicalType, readonly unknown[], string][] = [
    ['text', text, texts, 'VARCHAR'],
    ['integers', int, [0, -1, 9_007_199_254_740_993n, null], 'BIGINT'],
    ['booleans', { kind: 'boolean' }, [true, false, null], 'BOOLEAN'],
    ['dates', day, ['2024-02-29', '0001-01-01', null], 'DATE'],
    ['UUIDs', { kind: 'uuid' }, ['6f1d5e0a-3c55-4a3b-9d5b-0e6b1f0c7d21', null], 'UUID'],
    ['decimals', { kind: 'decimal', precision: 9, scale: 2 }, ['-0.50', '1234567.89', null], 'VARCHAR'],
    [
      'timestamps',
      { kind: 'timestamp', zone: false, digits: 3 },
      ['2024-02-29T23:59:59.999', '1969-12-31T00:00:00.000', null],
      'TIMESTAMP',
    ],
  ]
  test.each(cases)('of %s are read back by DuckDB and by our source', async (_, type, values, sqlType) => {
    const folder = tempFolder()
    const records = values.map((k, id) => ({ id, k }))
    await run(
      { outputPath: folder, partitionBy: ['k'] },
      { records, fields: [field('id', int, false), field('k', type)] },
    )
    const glob = `read_parquet('${folder}/*/*.parquet', hive_partitioning = true, hive_types = {'k': ${sqlType}})`
    const found = await duckdb(`SELECT id, k::VARCHAR AS k, k IS NULL AS empty FROM ${glob} ORDER BY id`)
    const shown = (k: unknown) =>
      sqlType === 'TIMESTAMP'
        ? String(k)
            .replace('T', ' ')
            .replace(/\.000$/, '')
        : String(k)
    expect(found.map(({ k, empty }) => (empty === true ? null : sqlType === 'TIMESTAMP' ? shown(k) : k))).toEqual(
      values.map((k) => (k === null ? null : shown(k))),
    )
    const store = memoryStore()
    await runPipeline({ name: 'back', source: parquetSource({ path: folder }), sink: memorySink({ store }) })
    expect(store.rows.map(canonical).sort()).toEqual(records.map(canonical).sort())
  })

  test('a value whose name no file system takes is a dead letter, and so is one that is none of the type', async () => {
    const folder = tempFolder()
    const records = [
      { id: 1, k: 'x'.repeat(300) },
      { id: 2, k: 'fine' },
      { id: 3, k: 7 },
      { id: 4, k: '\ud800' },
    ]
    const { counts, rejected } = await run(
      { outputPath: folder, partitionBy: ['k'] },
      { records, fields: [field('id', int, false), field('k', text)] },
    )
    expect(counts).toMatchObject({ written: 1, rejected: 3 })
    expect(rejected.map(({ code }) => code)).toEqual(['RECORD_REFUSED', 'RECORD_REFUSED', 'RECORD_REFUSED'])
    expect(rejected[0]?.message).toMatch(/"k".*302 bytes.*255/)
    expect(rejected[1]?.message).toMatch(/"k".*7/)
  })

  test('too many are an error that names column, count and remedy, and nothing of the batch is there', async () => {
    const folder = tempFolder()
    const wanted = { outputPath: folder, partitionBy: ['name'], maxFolders: 20 }
    await expect(run(wanted, { records: people(0, 30), fields: idAndName })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringMatching(/"name".*20.*maxFolders/),
    })
    expect(filesBelow(folder)).toEqual([])
    await run({ ...wanted, maxFolders: 30 }, { records: people(0, 30), fields: idAndName })
    expect(manifestOf(folder).files).toHaveLength(30)
  })

  test.each([
    [['nmae'], 'NAME_UNKNOWN', /nmae.*name/],
    [['id', 'name'], 'OPTION_INVALID', /all/],
    [['score'], 'OPTION_INVALID', /"score".*float/],
    [['data'], 'OPTION_INVALID', /"data".*json/],
  ])('by %s is refused with %s', async (partitionBy, code, message) => {
    const isAll = partitionBy.length === 2
    const more = [field('score', { kind: 'float', bits: 64 }), field('data', { kind: 'json' })]
    const records = [{ id: 1, name: 'a', ...(isAll ? {} : { score: 1, data: {} }) }]
    const fields = isAll ? idAndName : [...idAndName, ...more]
    const outputPath = tempFolder()
    await expect(run({ outputPath, partitionBy }, { records, fields })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
    expect(readdirSync(outputPath).filter((name) => name !== '.drover')).toEqual([])
  })

  test('of two thousand values with eight kept open become full row groups in the end', {
    timeout: 60_000,
  }, async () => {
    const folder = tempFolder()
    const records = Array.from({ length: 6_000 }, (_, id) => ({ id, k: (id * 7919) % 2_000, pad: 'x'.repeat(20) }))
    const fields = [field('id', int, false), field('k', int), field('pad', text)]
    await run({ outputPath: folder, partitionBy: ['k'], openFolders: 8 }, { records, fields, batchSize: 2_000 })
    const { files, rows } = manifestOf(folder)
    expect([files.length, rows]).toEqual([2_000, 6_000])
    expect(new Set(files.map((file) => `${file.rows} in ${file.rowGroups}`))).toEqual(new Set(['3 in 1']))
    const [sum] = await duckdb(`SELECT count(*) n, count(DISTINCT id) ids FROM read_parquet('${folder}/*/*.parquet')`)
    expect(sum).toEqual({ n: 6_000n, ids: 6_000n })
  })
})

describe('an output that is there', () => {
  test('of one file is replaced as a whole', async () => {
    const folder = tempFolder()
    const outputPath = join(folder, 'out.parquet')
    await run({ outputPath }, { records: people(0, 5), fields: idAndName })
    await run({ outputPath }, { records: people(5, 7), fields: idAndName, name: 'other' })
    expect(await idsIn(outputPath)).toEqual([5, 6])
    expect(manifestOf(folder, 'out.parquet.manifest.json')).toMatchObject({ rows: 2, files: [{ path: 'out.parquet' }] })
  })

  test.each(['out.parquet', 'out'])('is refused or added to by option: %s', async (name) => {
    const outputPath = join(tempFolder(), name)
    const options = { outputPath, rowGroupRows: 3 }
    await run(options, { records: people(0, 5), fields: idAndName })
    const second = { records: people(5, 9), fields: idAndName, name: 'second' }
    await expect(run({ ...options, onExisting: 'error' }, second)).rejects.toMatchObject({ code: 'SINK_NOT_READY' })
    await run({ ...options, onExisting: 'append' }, second)
    const at = name === 'out' ? `${outputPath}/*.parquet` : outputPath
    expect((await duckdb(`SELECT id::INT id FROM read_parquet('${at}') ORDER BY id`)).map(({ id }) => id)).toEqual(
      people(0, 9).map(({ id }) => id),
    )
    const fields = [idAndName[0] as Field, field('name', { kind: 'bytes' }), field('more', text)]
    const other = { records: [{ id: 9, name: new Uint8Array(1), more: '' }], fields, name: 'third' }
    await expect(run({ ...options, onExisting: 'append' }, other)).rejects.toMatchObject({
      code: 'SINK_NOT_READY',
      message: expect.stringMatching(/name|more/),
    })
    await run(options, { records: people(20, 22), fields: idAndName, name: 'fourth' })
    const files = name === 'out' ? filesBelow(outputPath).filter((file) => file.endsWith('.parquet')) : ['']
    expect(files).toHaveLength(1)
    expect(await idsIn(join(outputPath, files[0] as string))).toEqual([20, 21])
  })

  test.each(['out.parquet', 'out'])('stays as it is where nobody has a record to add: %s', async (name) => {
    const outputPath = join(tempFolder(), name)
    await run({ outputPath }, { records: people(0, 5), fields: idAndName })
    await run({ outputPath, onExisting: 'append' }, { records: [], name: 'second' })
    expect(await readIds(outputPath)).toEqual([0, 1, 2, 3, 4])
  })

  test.each(['out.parquet', 'out'])(
    'says which columns are never null where records only show them: %s',
    async (name) => {
      const outputPath = join(tempFolder(), name)
      await run(
        { outputPath },
        { records: people(0, 2), fields: [field('id', int, false), field('name', text, false)] },
      )
      const records = [...people(2, 4), { id: 9, name: null }]
      const report = await run({ outputPath, onExisting: 'append' }, { records, name: 'second' })
      expect(report.counts).toMatchObject({ written: 2, rejected: 1 })
      expect(await readIds(outputPath)).toEqual([0, 1, 2, 3])
    },
  )

  test.each(['out.parquet', 'out'])(
    'refuses other columns of records that only show them, and goes on with those it has: %s',
    async (name) => {
      const outputPath = join(tempFolder(), name)
      await run({ outputPath }, { records: people(0, 2) })
      const append = (records: readonly Row[]) => run({ outputPath, onExisting: 'append' }, { records, name: 'second' })
      await expect(append([{ id: 2.5, name: 'x' }])).rejects.toMatchObject({
        code: 'SINK_NOT_READY',
        message: expect.stringContaining('id'),
      })
      expect(await readIds(outputPath)).toEqual([0, 1])
      await append(people(2, 4))
      expect(await readIds(outputPath)).toEqual([0, 1, 2, 3])
    },
  )

  test('keeps its row groups and statistics where it is added to', async () => {
    const outputPath = join(tempFolder(), 'out.parquet')
    await run({ outputPath, rowGroupRows: 3 }, { records: people(0, 6), fields: idAndName, batchSize: 3 })
    await run({ outputPath, onExisting: 'append' }, { records: people(6, 8), fields: idAndName, name: 'b' })
    const { row_groups } = await metadataBy(outputPath)
    expect(row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([3, 3, 2])
    expect(row_groups.map((group) => group.columns[0]?.meta_data?.statistics?.min_value)).toEqual([0n, 3n, 6n])
  })

  test('and is no Parquet is not added to, but replaced', async () => {
    const outputPath = join(tempFolder(), 'out.parquet')
    writeFileSync(outputPath, 'something else')
    const records = people(0, 2)
    await expect(run({ outputPath, onExisting: 'append' }, { records, fields: idAndName })).rejects.toMatchObject({
      code: 'SINK_NOT_READY',
    })
    expect(readFileSync(outputPath, 'utf8')).toBe('something else')
    await run({ outputPath }, { records, fields: idAndName, name: 'b' })
    expect(await idsIn(outputPath)).toEqual([0, 1])
  })

  test.each(['replace', 'append'] as const)(
    'and is not ours stays, whatever onExisting says: %s',
    async (onExisting) => {
      const folder = tempFolder()
      await mkdir(join(folder, 'k=1'))
      writeFileSync(join(folder, 'k=1/theirs.parquet'), 'theirs')
      await expect(
        run({ outputPath: folder, onExisting }, { records: people(0, 2), fields: idAndName }),
      ).rejects.toMatchObject({ code: 'SINK_NOT_READY', message: expect.stringContaining('k=1/theirs.parquet') })
      expect(filesBelow(folder)).toEqual(['k=1/theirs.parquet'])
    },
  )

  test('is a folder where a file is to be, or a file where a folder is', async () => {
    const folder = tempFolder()
    await mkdir(join(folder, 'out.parquet'))
    writeFileSync(join(folder, 'out'), '')
    const given = { records: people(0, 1), fields: idAndName }
    for (const name of ['out.parquet', 'out']) {
      await expect(run({ outputPath: join(folder, name) }, given)).rejects.toMatchObject({ code: 'SINK_NOT_READY' })
    }
  })

  test('without a manifest is known all the same, and goes', async () => {
    const folder = tempFolder()
    const options = { outputPath: folder, manifest: false }
    await run(options, { records: people(0, 5), fields: idAndName })
    expect(filesBelow(folder)).toHaveLength(1)
    await run(options, { records: people(5, 6), fields: idAndName, name: 'b' })
    const [only, ...others] = filesBelow(folder)
    expect(others).toEqual([])
    expect(await idsIn(join(folder, only as string))).toEqual([5])
    await run({ outputPath: folder }, { records: people(6, 7), fields: idAndName, name: 'c' })
    expect(filesBelow(folder)).toHaveLength(2)
    expect(manifestOf(folder).rows).toBe(1)
  })
})

describe('the manifest', () => {
  test('lists files with rows, bytes, hashes and values, and says what the columns are', async () => {
    const folder = tempFolder()
    const records = people(0, 4).map((row) => ({ ...row, k: Number(row.id) < 3 ? 'a/b' : null }))
    await run({ outputPath: folder, partitionBy: ['k'] }, { records, fields: [...idAndName, field('k', text)] })
    const manifest = manifestOf(folder)
    expect(manifest).toMatchObject({ version: 1, writer: 'drover', rows: 4, partitionBy: ['k'] })
    expect(manifest.schema.fields.map(({ name }) => name)).toEqual(['id', 'name', 'k'])
    expect(manifest.schema.key).toEqual(['id'])
    expect(manifest.files.map(({ rows, partition }) => [rows, partition])).toEqual([
      [3, { k: 'a/b' }],
      [1, { k: null }],
    ])
    for (const { path, bytes, sha256 } of manifest.files) {
      const content = readFileSync(join(folder, path))
      expect([content.length, createHash('sha256').update(content).digest('hex')]).toEqual([bytes, sha256])
    }
  })

  test('has the hash of one file that was renamed into place, too', async () => {
    const folder = tempFolder()
    const outputPath = join(folder, 'out.parquet')
    await run({ outputPath, rowGroupRows: 4 }, { records: people(0, 30), fields: idAndName, batchSize: 5 })
    const hash = createHash('sha256').update(readFileSync(outputPath)).digest('hex')
    expect(manifestOf(folder, 'out.parquet.manifest.json').files[0]?.sha256).toBe(hash)
  })
})

describe('records without a description', () => {
  test('are looked at first; one that does not fit what was seen is a dead letter', async () => {
    const outputPath = join(tempFolder(), 'out.parquet')
    const records = [...people(0, 10), { id: 10, name: 7 }, { id: 11, name: 'x', more: 1 }, { id: 12, name: null }]
    const { counts, rejected } = await run({ outputPath, sampleRecords: 10 }, { records, batchSize: 10 })
    expect(counts).toMatchObject({ written: 11, rejected: 2 })
    expect(rejected.map(({ key }) => key)).toEqual([[10], [11]])
    expect(await idsIn(outputPath)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12])
  })

  test('and without records make a file without rows', async () => {
    const outputPath = join(tempFolder(), 'out.parquet')
    await run({ outputPath }, { records: [] })
    expect(await recordsOfFile(outputPath, [])).toEqual([])
  })
})

test('many refused records of a batch are told at once', async () => {
  const outputPath = join(tempFolder(), 'out.parquet')
  const records = people(0, 200).map((row) => (Number(row.id) % 10 === 3 ? { ...row, name: 5 } : row))
  const { counts, attempt } = await run({ outputPath, rowGroupRows: 150 }, { records, fields: idAndName })
  expect(counts).toMatchObject({ written: 180, rejected: 20 })
  expect(attempt.retries).toBe(0)
})

test.each([
  [{ compression: 'lzo' }, /'snappy' or 'zstd' or 'gzip' or 'none'/],
  [{ compresion: 'zstd' }, /compression/],
  [{ types: { a: 'strnig' } }, /strnig/],
  [{ partitionBy: ['a', 'a'] }, /twice/],
  [{ fileBytes: 5 }, /fileBytes/],
  [{ rowGroupRows: 0 }, /rowGroupRows/],
])('options that make no sense are refused: %j', (options, message) => {
  expect(() => parquetSink({ outputPath: 'out.parquet', ...(options as object) })).toThrow(message)
})

test('a dry run says what would be made, and makes nothing', async () => {
  const folder = tempFolder()
  const tried = (outputPath: string, more: Partial<ParquetSinkOptions> = {}) =>
    dryRun({
      name: 'export',
      source: memorySource({ records: people(0, 3_000), key: 'id', schema: { fields: idAndName } }),
      sink: parquetSink({ outputPath: join(folder, outputPath), ...more }),
    })
  const file = await tried('a/out.parquet')
  expect(file).toMatchObject({ problems: [], forecast: { includesWriting: true } })
  expect(file.creates).toHaveLength(2)
  expect((await tried('out')).creates).toEqual([`folder "${folder}/out"`])
  expect((await tried('out', { partitionBy: ['name'], maxFolders: 5 })).problems).toMatchObject([
    { code: 'OPTION_INVALID' },
  ])
  writeFileSync(join(folder, 'there.parquet'), '')
  expect((await tried('there.parquet', { onExisting: 'error' })).problems).toMatchObject([{ code: 'SINK_NOT_READY' }])
  expect(readdirSync(folder)).toEqual(['there.parquet'])
})

test('what another program did to a file that is added to is not lost', async () => {
  const folder = tempFolder()
  const outputPath = join(folder, 'out.parquet')
  await run({ outputPath }, { records: people(0, 3), fields: idAndName })
  const { signal } = new AbortController()
  await using session = await parquetSink({ outputPath, onExisting: 'append' }).connect({ signal })
  await session.prepare?.({ fields: idAndName, key: ['id'] }, { signal })
  const partition = { id: 'all', bounds: null }
  await session.claim({ run: 'r', partition, fence: 1 }, { signal })
  await appendFile(outputPath, 'x')
  const counts = { read: 0, written: 0, filtered: 0, rejected: 0, emitted: 0, inserted: 0, updated: 0, skipped: 0 }
  const position = { run: 'r', partition, fence: 1, sequence: 1, cursor: null, done: true, counts }
  const batch = { partition, sequence: 1, commit: async () => position, async *[Symbol.asyncIterator]() {} }
  await session.write(batch, { signal, mode: 'commit' })
  await expect(session.finish?.('completed', { signal })).rejects.toMatchObject({
    code: 'SINK_NOT_READY',
    message: expect.stringContaining('changed by another program'),
  })
})
