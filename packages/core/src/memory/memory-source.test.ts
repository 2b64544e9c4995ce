import { expect, test } from 'vitest'
import type { Page } from '../contracts/page.js'
import type { Partition } from '../contracts/position.js'
import type { ReadOptions, Source } from '../contracts/source.js'
import type { Cursor, Row } from '../contracts/values.js'
import { memorySource } from './memory-source.js'

const operation = { signal: new AbortController().signal }
const all: Partition = { id: 'all', bounds: null }

async function pagesOf<R>(source: Source<R>, asked: Partial<ReadOptions> = {}): Promise<Page<R>[]> {
  await using session = await source.connect(operation)
  const pages: Page<R>[] = []
  const page = { records: 2, bytes: 1e6 }
  for await (const next of session.read({ ...operation, partition: all, after: null, page, ...asked })) pages.push(next)
  return pages
}

const ids = (pages: readonly Page<{ id: unknown }>[]): unknown[] =>
  pages.flatMap((page) => page.rows().map((row) => row.id))
const numbered = (count: number): { id: number }[] => Array.from({ length: count }, (_, id) => ({ id }))

test('gives all records in order, in pages of the size asked for, with cursor and keys', async () => {
  const pages = await pagesOf(memorySource({ records: numbered(5), key: 'id' }))
  expect(pages.map((page) => [page.count, page.cursor])).toEqual([
    [2, 1],
    [2, 3],
    [1, 4],
  ])
  expect(ids(pages)).toEqual([0, 1, 2, 3, 4])
  expect(pages[1]?.keys()).toEqual([
    { source: [2], child: 0 },
    { source: [3], child: 0 },
  ])
  expect(pages[1]?.rows()).toBe(pages[1]?.rows())
})

test('goes on behind the cursor of any page', async () => {
  const source = memorySource({ records: numbered(7), key: 'id' })
  for (const { cursor } of await pagesOf(source)) {
    expect(ids(await pagesOf(source, { after: cursor }))).toEqual(
      numbered(7)
        .map((row) => row.id)
        .slice((cursor as number) + 1),
    )
  }
})

test('ends a page at its bytes, or at its first record if that is larger', async () => {
  const records = [10, 10, 5_000, 10].map((length, id) => ({ id, text: 'x'.repeat(length) }))
  const pages = await pagesOf(memorySource({ records, key: 'id' }), { page: { records: 10, bytes: 1_000 } })
  expect(pages.map((page) => page.rows().map((row) => row.id))).toEqual([[0, 1], [2], [3]])
  expect(pages[1]?.bytes).toBeGreaterThanOrEqual(5_000)
})

test('slices a page by its rows', async () => {
  const [page] = await pagesOf(memorySource({ records: numbered(6), key: 'id' }), { page: { records: 6, bytes: 1e6 } })
  const slice = page?.slice(1, 5).slice(1, 3)
  expect(slice?.rows()).toEqual([{ id: 2 }, { id: 3 }])
  expect(slice?.keys().map((key) => key.source)).toEqual([[2], [3]])
  expect([slice?.count, slice?.cursor]).toEqual([2, 5])
})

test('cuts into partitions that hold every record once, also those pushed later', async () => {
  const records = numbered(10)
  const source = memorySource({ records, key: 'id' })
  await using session = await source.connect(operation)
  const parts = await session.partition?.({ ...operation, count: 3 })
  expect(parts?.map((part) => part.bounds)).toEqual([
    [0, 3],
    [3, 6],
    [6, null],
  ])
  records.push({ id: 10 })
  const read = await Promise.all((parts ?? []).map(async (partition) => ids(await pagesOf(source, { partition }))))
  expect(read.flat()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  expect(read.map((part) => part.length)).toEqual([3, 3, 5])
})

test('does not cut into more partitions than there are records', async () => {
  await using session = await memorySource({ records: numbered(1), key: 'id', partitions: 4 }).connect(operation)
  expect(await session.partition?.({ ...operation, count: 2 })).toEqual([all])
})

test('ends though records are pushed all the time, and goes on with them later', async () => {
  const records = numbered(3)
  const source = memorySource({ records, key: 'id' })
  await using session = await source.connect(operation)
  let last: Cursor = null
  for await (const page of session.read({
    ...operation,
    partition: all,
    after: null,
    page: { records: 1, bytes: 1e6 },
  })) {
    records.push({ id: records.length })
    last = page.cursor
  }
  expect(last).toBe(2)
  expect(ids(await pagesOf(source, { after: last }))).toEqual([3, 4, 5])
})

test('rejects what is no object and goes on', async () => {
  const records = [{ id: 0 }, null, { id: 2 }, 'x'] as unknown as { id: number }[]
  const pages = await pagesOf(memorySource({ records, key: 'id' }), { page: { records: 3, bytes: 1e6 } })
  expect(ids(pages)).toEqual([0, 2])
  expect(pages.map((page) => [page.count, page.rejected?.length ?? 0])).toEqual([
    [3, 1],
    [1, 1],
  ])
  expect(pages[0]?.rejected?.[0]).toMatchObject({ key: null, error: { code: 'RECORD_UNREADABLE' } })
})

test('refuses a record without a value in its key', async () => {
  for (const id of [null, undefined, Number.NaN, {}]) {
    const source = memorySource({ records: [{ id: 1 }, { id }] as { id: number }[], key: 'id' })
    await expect(pagesOf(source), String(id)).rejects.toMatchObject({
      code: 'KEY_INVALID',
      message: expect.stringContaining('record 1'),
    })
  }
})

test('keys of several fields and of values that JSON has no word for', async () => {
  const records = [{ a: 9007199254740993n, b: Uint8Array.of(1, 2), c: new Date(0) }]
  const [page] = await pagesOf(memorySource({ records, key: ['a', 'b', 'c'] }))
  expect(page?.keys()).toEqual([{ source: ['9007199254740993', 'AQI=', '1970-01-01T00:00:00.000Z'], child: 0 }])
})

test('describes the fields of all records', async () => {
  const records: Row[] = [
    { id: 1, n: 1, big: 1n, text: 'a', mixed: 1, at: new Date(0), list: ['a'], doc: { a: 1 } },
    { id: 2, n: 1.5, big: null, text: 'b', mixed: 'x', at: new Date(0), list: [], doc: null, late: true },
  ]
  await using session = await memorySource({ records, key: 'id' }).connect(operation)
  const { fields, key } = await session.describe(operation)
  expect(key).toEqual(['id'])
  expect(fields.map((field) => [field.name, field.type.kind, field.nullable])).toEqual([
    ['id', 'int', false],
    ['n', 'float', false],
    ['big', 'int', true],
    ['text', 'text', false],
    ['mixed', 'any', false],
    ['at', 'timestamp', false],
    ['list', 'json', false],
    ['doc', 'json', true],
    ['late', 'boolean', true],
  ])
  expect(await session.count?.(operation)).toEqual({ value: 2, exact: true })
})

test('describes as it is told to', async () => {
  const fields = [{ name: 'id', type: { kind: 'uuid' }, nullable: false }] as const
  await using session = await memorySource({ records: [], key: 'id', schema: { fields } }).connect(operation)
  expect(await session.describe(operation)).toEqual({ fields, key: ['id'] })
})

test('gives up when its signal is aborted', async () => {
  const controller = new AbortController()
  await using session = await memorySource({ records: numbered(9), key: 'id' }).connect(operation)
  const read = session.read({
    signal: controller.signal,
    partition: all,
    after: null,
    page: { records: 2, bytes: 1e6 },
  })
  await expect(
    (async () => {
      for await (const _ of read) controller.abort()
    })(),
  ).rejects.toMatchObject({ code: 'ABORTED' })
})

test('refuses foreign bounds and cursors', async () => {
  const source = memorySource({ records: numbered(3), key: 'id' })
  await expect(pagesOf(source, { after: 'x' })).rejects.toMatchObject({ code: 'STATE_INVALID' })
  await expect(pagesOf(source, { partition: { id: 'p', bounds: ['a', 'b'] } })).rejects.toMatchObject({
    code: 'STATE_INVALID',
  })
})

test('refuses wrong options', () => {
  const refused = (options: object): void => {
    expect(() => memorySource(options as never)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
  }
  refused({ records: [], key: 'id', recrods: 1 })
  refused({ records: 'x', key: 'id' })
  refused({ records: [], key: [] })
  refused({ records: [], key: ['a', 'a'] })
  refused({ records: [], key: 'id', partitions: 0 })
  refused({ records: [], key: 'id', name: '' })
})
