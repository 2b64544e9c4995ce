import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Partition } from '@drover/core'
import { describe, expect, test } from 'vitest'
import { type ParquetSourceOptions, parquetSource } from '../src/index.js'
import { copyTo, duckdb, inSession, pagesOf, quoted, rowsOf, schemaOf, tempFolder, whole } from './source-fixtures.js'

const signal = new AbortController().signal

/** A folder of files, each of what a query gives. */
async function folderOf(queries: Readonly<Record<string, string>>): Promise<string> {
  const folder = await tempFolder()
  for (const [name, query] of Object.entries(queries)) {
    await mkdir(join(folder, name, '..'), { recursive: true })
    await copyTo(join(folder, name), query)
  }
  return folder
}

async function refusal(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'nothing was refused',
    (error: { code?: string; message: string }) => `${error.code}: ${error.message}`,
  )
}

const named = (n: number): string => `SELECT ${n} AS n, 'text' AS t`

describe('a folder', () => {
  test('is read with all folders inside, in the order of names, without hidden ones', async () => {
    const folder = await folderOf({
      'b.parquet': named(2),
      'a/z.parquet': named(1),
      '_temporary/x.parquet': named(8),
      '.part.parquet': named(9),
      '_x.parquet': named(10),
      'c.parq': named(11),
    })
    const source = parquetSource({ path: folder })
    const pages = await pagesOf(source)
    expect(pages.flatMap((page) => page.rows().map(({ n }) => n))).toEqual([1, 2])
    expect(pages.flatMap((page) => page.keys().map((key) => key.source))).toEqual([
      ['a/z.parquet', 0],
      ['b.parquet', 0],
    ])
    expect(await inSession(source, (session) => session.count?.({ signal }) ?? Promise.reject())).toEqual({
      value: 2,
      exact: true,
    })
  })

  test('may hold files whose columns are in another order, or lack one that may be null', async () => {
    const folder = await folderOf({
      'a.parquet': "SELECT 1 AS n, 'x' AS t",
      'b.parquet': "SELECT 'y' AS t, 2 AS n, 3 AS m",
    })
    expect(await rowsOf(parquetSource({ path: folder }))).toEqual([
      { n: 1, t: 'x', m: null },
      { n: 2, t: 'y', m: 3 },
    ])
  })

  test('with columns of two types is refused, naming file, column and types', async () => {
    const folder = await folderOf({
      'a.parquet': 'SELECT 1::INTEGER AS n, 0 AS k',
      'b.parquet': "SELECT '2' AS n, 1 AS k",
    })
    const said = await refusal(rowsOf(parquetSource({ path: folder })))
    expect(said).toMatch(/^SOURCE_INVALID: .*b\.parquet: its column "n" is text, and that of .*a\.parquet is int32/)
    // Who does not ask for it is not told.
    expect(await rowsOf(parquetSource({ path: folder, columns: ['k'] }))).toEqual([{ k: 0 }, { k: 1 }])
  })

  test('without a Parquet file is refused', async () => {
    const said = await refusal(schemaOf(parquetSource({ path: await tempFolder() })))
    expect(said).toMatch(/^SOURCE_NOT_FOUND: .* holds no file that ends in \.parquet/)
  })
})

describe('a Hive-partitioned set', () => {
  const values = ['a/b', '', 'ü 100%', '=', "it's", 'c\\d', '..', '\u0001', null]

  test('by DuckDB gives every value back', async () => {
    const folder = join(await tempFolder(), 'set')
    const db = await duckdb()
    const listed = values
      .filter((value) => value !== '')
      .map((value, i) => `(${i}, ${value === null ? 'NULL' : quoted(value)})`)
    await db.run(
      `COPY (SELECT * FROM (VALUES ${listed.join(', ')}) t(n, tenant)) TO '${folder}' (FORMAT parquet, PARTITION_BY (tenant))`,
    )
    const rows = await rowsOf(parquetSource({ path: folder }))
    expect(rows.map(({ tenant }) => tenant).sort()).toEqual(values.filter((value) => value !== '').sort())
    expect((await schemaOf(parquetSource({ path: folder }))).fields.at(-1)).toEqual({
      name: 'tenant',
      type: { kind: 'text' },
      nullable: true,
    })
  })

  test('takes what is not escaped well as it stands, an empty value, and null', async () => {
    const folder = await folderOf({
      '_k=100%/p=/x.parquet': named(1),
      '_k=%ZZ%C3%BC/p=__HIVE_DEFAULT_PARTITION__/x.parquet': named(2),
    })
    const rows = await rowsOf(parquetSource({ path: folder, columns: ['p', '_k'] }))
    expect(rows).toEqual([
      { p: null, _k: '%ZZü' },
      { p: '', _k: '100%' },
    ])
  })

  test('gives values the types that are named', async () => {
    const folder = await folderOf({
      'i=9007199254740993/d=2024-02-29/ts=2024-01-01 00%3A00%3A00/b=true/f=-Infinity/x.parquet': named(1),
    })
    const types = { i: 'int64', d: 'date', ts: 'timestamptz(6)', b: 'boolean', f: 'float64' } as const
    expect(await rowsOf(parquetSource({ path: folder, columns: Object.keys(types), types }))).toEqual([
      { i: 9007199254740993n, d: '2024-02-29', ts: '2024-01-01T00:00:00.000000Z', b: true, f: -Infinity },
    ])
    const said = await refusal(rowsOf(parquetSource({ path: folder, types: { d: 'int64' } })))
    expect(said).toMatch(/^SOURCE_INVALID: .*column "d": the folder says "2024-02-29", which is no int/)
  })

  test('with other columns in some of its folders is refused', async () => {
    const folder = await folderOf({ 'a=1/x.parquet': named(1), 'b=1/x.parquet': named(2) })
    const said = await refusal(rowsOf(parquetSource({ path: folder })))
    expect(said).toMatch(/^SOURCE_INVALID: .*b=1\/x\.parquet: the names of its folders give the columns b/)
  })

  test('whose folders a filter excludes is not read there', async () => {
    const folder = await folderOf({ 'day=1/x.parquet': named(1), 'day=2/x.parquet': named(2) })
    await writeFile(join(folder, 'day=1/x.parquet'), await damagedPages(join(folder, 'day=1/x.parquet')))
    const source = parquetSource({ path: folder, types: { day: 'int32' } })
    expect(await rowsOf(source, { filter: { day: { gt: 1 } } })).toEqual([{ n: 2, t: 'text', day: 2 }])
    expect(await refusal(rowsOf(source))).toContain('SOURCE_INVALID')
  })
})

/** The file with nothing but zeros before its footer. */
async function damagedPages(path: string): Promise<Buffer> {
  const bytes = await readFile(path)
  return bytes.fill(0, 4, bytes.length - bytes.readUInt32LE(bytes.length - 8) - 8)
}

describe('a manifest', () => {
  async function withManifest(change: (manifest: Record<string, unknown>) => void = () => {}): Promise<string> {
    const folder = await folderOf({
      'p=1/a.parquet': named(1),
      'p=2/b.parquet': named(2),
      'p=2/stray.parquet': named(9),
    })
    const int = { kind: 'int', bits: 32 }
    const files = await Promise.all(
      ['p=2/b.parquet', 'p=1/a.parquet'].map(async (path) => {
        const { size } = await stat(join(folder, path))
        return { path, rows: 1, bytes: size, sha256: '', rowGroups: 1, partition: { p: path.slice(2, 3) } }
      }),
    )
    const fields = [
      { name: 'n', type: { kind: 'int', bits: 8 }, nullable: false },
      { name: 't', type: { kind: 'text' }, nullable: true },
      { name: 'p', type: int, nullable: false },
    ]
    const manifest = {
      version: 1,
      writer: 'drover',
      schema: { fields, key: ['n'] },
      partitionBy: ['p'],
      rows: 2,
      files,
    }
    change(manifest)
    await writeFile(join(folder, '_manifest.json'), JSON.stringify(manifest))
    return folder
  }

  const read = (path: string, options: Partial<ParquetSourceOptions> = {}) =>
    rowsOf(parquetSource({ path, ...options }))

  test('decides which files count and in which order, and knows types and key', async () => {
    const path = await withManifest()
    const pages = await pagesOf(parquetSource({ path }))
    expect(pages.flatMap((page) => page.rows())).toEqual([
      { n: 2, t: 'text', p: 2 },
      { n: 1, t: 'text', p: 1 },
    ])
    expect(pages.flatMap((page) => page.keys().map((key) => key.source))).toEqual([[2], [1]])
    expect((await schemaOf(parquetSource({ path }))).fields[0]?.type).toEqual({ kind: 'int', bits: 8 })
  })

  test('is left aside if the user says so', async () => {
    const rows = await read(await withManifest(), { manifest: 'ignore' })
    expect(rows.map(({ n }) => n)).toEqual([1, 2, 9])
  })

  test('of somebody else is none', async () => {
    const path = await withManifest((manifest) => Object.assign(manifest, { writer: 'delta' }))
    expect(await read(path)).toHaveLength(3)
  })

  test('without files is an empty set with columns', async () => {
    const path = await withManifest((manifest) => Object.assign(manifest, { files: [], rows: 0 }))
    expect(await read(path)).toEqual([])
    expect((await schemaOf(parquetSource({ path }))).fields.map(({ name }) => name)).toEqual(['n', 't', 'p'])
  })

  test('that names a file which is gone, or has another size, is refused, naming it', async () => {
    const path = await withManifest()
    await copyTo(join(path, 'p=1/a.parquet'), `SELECT 1 AS n, 'another text' AS t`)
    expect(await refusal(read(path))).toMatch(
      /^SOURCE_INVALID: .*names p=1\/a\.parquet, which has \d+ bytes instead of/,
    )
    await rm(join(path, 'p=1/a.parquet'))
    expect(await refusal(read(path))).toMatch(/^SOURCE_INVALID: .*names p=1\/a\.parquet, which is not there/)
  })

  test.each([
    ['of a version to come', { version: 2 }, 'has version 2'],
    [
      'that leads out of its folder',
      { files: [{ path: '../x.parquet', rows: 1, bytes: 1 }] },
      'does not hold what a manifest holds',
    ],
    ['without a schema', { schema: null }, 'does not hold what a manifest holds'],
  ])('%s is refused', async (_, change, says) => {
    const path = await withManifest((manifest) => Object.assign(manifest, change))
    expect(await refusal(read(path))).toMatch(
      new RegExp(`^SOURCE_INVALID: .*_manifest\\.json ${says}.*manifest: 'ignore'`),
    )
  })

  test('that is no JSON is refused', async () => {
    const path = await withManifest()
    await writeFile(join(path, '_manifest.json'), '{')
    expect(await refusal(read(path))).toMatch(/^SOURCE_INVALID: .*_manifest\.json is no JSON/)
  })
})

describe('partitions', () => {
  test('are cut between row groups, and each is read and resumed for itself', async () => {
    const folder = await tempFolder()
    for (const [i, name] of ['a', 'b'].entries()) {
      await copyTo(
        join(folder, `${name}.parquet`),
        `SELECT i + ${i * 10_000} AS n FROM range(9000) r(i)`,
        'ROW_GROUP_SIZE 2048',
      )
    }
    const source = parquetSource({ path: folder })
    const partitions = await inSession(
      source,
      async (session) => (await session.partition?.({ signal, count: 4 })) ?? [],
    )
    expect(partitions).toHaveLength(4)
    const parts: number[][] = []
    for (const partition of JSON.parse(JSON.stringify(partitions)) as Partition[]) {
      const pages = await pagesOf(source, { partition, page: { records: 1000, bytes: 1e9 } })
      const numbers = pages.flatMap((page) => page.rows().map(({ n }) => n as number))
      const [first] = pages
      const rest = await rowsOf(source, { partition, after: first?.cursor ?? null })
      expect(rest.map(({ n }) => n)).toEqual(numbers.slice(first?.count))
      parts.push(numbers)
    }
    expect(parts.flat()).toEqual([...Array(9000).keys(), ...Array.from({ length: 9000 }, (_, i) => i + 10_000)])
    expect(Math.max(...parts.map((part) => part.length))).toBeLessThan(7000)
  })

  test('whose file was replaced between row groups are refused', async () => {
    const path = join(await tempFolder(), 'a.parquet')
    await copyTo(path, 'SELECT i AS n FROM range(9000) r(i)', 'ROW_GROUP_SIZE 2048')
    const [, second] = await inSession(
      parquetSource({ path }),
      async (session) => (await session.partition?.({ signal, count: 2 })) ?? [],
    )
    await copyTo(path, 'SELECT i + 1 AS n FROM range(9000) r(i)', 'ROW_GROUP_SIZE 2048')
    const said = await refusal(rowsOf(parquetSource({ path }), { partition: second ?? whole }))
    expect(said).toMatch(/^SOURCE_INVALID: .*was changed since the run was begun: a\.parquet is another file/)
  })
})

describe('a set that was changed between two runs', () => {
  async function stopped(): Promise<{
    readonly folder: string
    readonly after: never
    readonly source: ReturnType<typeof parquetSource>
  }> {
    const folder = await folderOf({ 'a.parquet': named(1), 'b.parquet': named(2), 'd.parquet': named(4) })
    const source = parquetSource({ path: folder })
    const after = JSON.parse(JSON.stringify((await pagesOf(source))[1]?.cursor)) as never
    return { folder, after, source }
  }

  test('goes on with files that came behind', async () => {
    const { folder, after, source } = await stopped()
    await copyTo(join(folder, 'c.parquet'), named(3))
    expect((await rowsOf(source, { after })).map(({ n }) => n)).toEqual([3, 4])
  })

  const changes: readonly (readonly [string, (folder: string) => Promise<unknown>])[] = [
    ['the file where it stands is gone', (folder) => rm(join(folder, 'b.parquet'))],
    ['a file before it is gone', (folder) => rm(join(folder, 'a.parquet'))],
    ['a file before it is another one', (folder) => copyTo(join(folder, 'a.parquet'), named(7))],
    ['a file came before it', (folder) => copyTo(join(folder, 'aa.parquet'), named(7))],
  ]
  test.each(changes)('is refused: %s', async (_, change) => {
    const { folder, after, source } = await stopped()
    await change(folder)
    expect(await refusal(rowsOf(source, { after }))).toMatch(
      /^SOURCE_INVALID: .*was changed since the run was begun: b\.parquet, where it stands/,
    )
  })

  test('a cursor of somebody else is refused', async () => {
    const { source } = await stopped()
    expect(await refusal(rowsOf(source, { after: { offset: 1 } }))).toMatch(/^STATE_INVALID/)
  })

  test('is refused while it is read', async () => {
    const { folder, source } = await stopped()
    const work = inSession(source, async (session) => {
      for await (const page of session.read({
        signal,
        partition: whole,
        after: null,
        page: { records: 1, bytes: 1e9 },
      })) {
        if (page.rows()[0]?.n === 1) await copyTo(join(folder, 'b.parquet'), named(5))
      }
    })
    expect(await refusal(work)).toMatch(/^SOURCE_INVALID: .*b\.parquet was replaced while the set was read/)
  })
})

describe('options', () => {
  test.each([
    [{ path: '' }, 'OPTION_INVALID: parquetSource: path'],
    [{ path: 'x', colums: ['a'] }, 'OPTION_INVALID: parquetSource: there is no option "colums"'],
    [{ path: 'x', columns: [] }, 'OPTION_INVALID: parquetSource: columns'],
    [{ path: 'x', manifest: 'no' }, "OPTION_INVALID: parquetSource: manifest is 'use' or 'ignore'"],
    [{ path: 'x', key: ['a', 'a'] }, 'OPTION_INVALID: parquetSource: key names a field twice'],
    [{ path: 'x', types: { a: 'int65' } }, 'OPTION_INVALID: parquetSource: types: "a": there is no type "int65"'],
  ])('%j: %s', async (options, says) => {
    expect(await refusal((async () => parquetSource(options as never))())).toContain(says)
  })

  test.each([
    [{ columns: ['n', 'x'] }, 'NAME_UNKNOWN: parquetSource: there is no column "x"'],
    [{ key: 'id' }, 'NAME_UNKNOWN: parquetSource: key: there is no column "id"'],
    [{ key: 't', columns: ['n'] }, 'NAME_UNKNOWN: parquetSource: key: there is no column "t"'],
    [{ types: { x: 'text' as const } }, 'NAME_UNKNOWN: parquetSource: there is no column "x"'],
  ])('%j: %s', async (options, says) => {
    const path = await folderOf({ 'a.parquet': named(1) })
    expect(await refusal(schemaOf(parquetSource({ path, ...options })))).toContain(says)
  })
})
