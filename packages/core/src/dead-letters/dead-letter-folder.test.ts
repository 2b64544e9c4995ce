import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Page } from '../contracts/page.js'
import type { Cursor, Row } from '../contracts/values.js'
import { recordId } from '../identity/record-id.js'
import type { DeadLetter } from './dead-letter.js'
import { deadLetterFolder, pruneDeadLetters } from './dead-letter-folder.js'
import { type DeadLetterSourceOptions, deadLetterSource } from './dead-letter-source.js'

const operation = { signal: new AbortController().signal }
const partition = { id: 'all', bounds: null }
let root: string
let directory: string

beforeEach(async () => {
  root = await mkdtemp(`${tmpdir()}/drover-letters-`)
  directory = `${root}/letters`
})
afterEach(() => rm(root, { recursive: true }))

const letter = (id: number, more: Partial<DeadLetter> = {}): DeadLetter => {
  const run = more.run ?? 'r1'
  return {
    id: recordId({ source: [run, 'all', id], child: 0 }),
    pipeline: 'copy',
    run,
    partition: 'all',
    key: [id],
    record: { id },
    stage: 'write',
    error: { code: 'RECORD_REFUSED', message: 'no' },
    ...more,
  }
}

/** Appends in batches, as one process under one fence does. */
async function write(batches: readonly (readonly DeadLetter[])[], fence = 1, run = 'r1'): Promise<void> {
  const writer = await deadLetterFolder(directory).open({ run, partition, fence })
  for (const letters of batches) await writer.append(letters)
  await writer.close()
}

interface Read {
  readonly rows: readonly Row[]
  readonly keys: readonly unknown[]
  readonly pages: readonly Page<Row>[]
}

async function read(
  options?: DeadLetterSourceOptions,
  after: Cursor = null,
  records = 100,
  bytes = 1e6,
): Promise<Read> {
  await using session = await deadLetterSource(directory, options).connect(operation)
  const pages: Page<Row>[] = []
  for await (const page of session.read({ ...operation, partition, after, page: { records, bytes } })) pages.push(page)
  const rows = pages.flatMap((page) => page.rows())
  return { rows, keys: pages.flatMap((page) => page.keys().map((key) => key.source)), pages }
}

const idsOf = ({ rows }: Read): unknown[] => rows.map((row) => row.id).sort()
const files = async (): Promise<string[]> =>
  (await readdir(directory)).filter((name) => name.endsWith('.ndjson')).sort()

test('makes nothing before the first letter', async () => {
  await write([[], []])
  await expect(readdir(directory)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('a file per run, partition and fence, for the owner alone and out of git', async () => {
  await write([[letter(1)], [letter(2), letter(3)]])
  await write([[letter(4)]], 2)
  expect(await files()).toEqual(['r1.all.00000001.ndjson', 'r1.all.00000002.ndjson'])
  expect((await stat(`${directory}/r1.all.00000001.ndjson`)).mode & 0o777).toBe(0o600)
  expect((await stat(directory)).mode & 0o777).toBe(0o700)
  expect(await readFile(`${directory}/.gitignore`, 'utf8')).toBe('*\n')
  const lines = (await readFile(`${directory}/r1.all.00000001.ndjson`, 'utf8')).trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line))).toEqual([letter(1), letter(2), letter(3)])
})

test('a folder that was there stays as it was', async () => {
  directory = root
  await write([[letter(1)]])
  expect(await readdir(root)).toEqual(['r1.all.00000001.ndjson'])
})

test('gives every value of a record back as it was', async () => {
  const record: Row = {
    id: 5n,
    big: 9007199254740993n,
    bytes: Uint8Array.of(0, 255),
    nan: Number.NaN,
    zero: -0,
    whole: 1,
    text: 'ü\n"\u2028',
    nothing: null,
    deep: { list: [1, null, { a: Uint8Array.of(1) }] },
    like: { $binary: { base64: 'AA==', subType: '00' } },
  }
  await write([[letter(1, { record, row: { copy: 1n } })]])
  const { rows } = await read()
  expect(rows).toStrictEqual([record])
  expect(Object.is(rows[0]?.zero, -0)).toBe(true)
})

test('gives each record once, under its key, in pages that any cursor goes on behind', async () => {
  const letters = Array.from({ length: 25 }, (_, id) => letter(id))
  await write([letters.slice(0, 15), letters.slice(10, 15)], 1)
  await write([letters.slice(12)], 2)
  const whole = await read({}, null, 7)
  expect(whole.pages.map((page) => page.count)).toEqual([7, 7, 7, 4])
  expect(new Set(idsOf(whole)).size).toBe(25)
  expect(whole.keys).toEqual(whole.rows.map((row) => [row.id]))
  let before = 0
  for (const page of whole.pages) {
    before += page.count
    expect((await read({}, page.cursor)).rows).toEqual(whole.rows.slice(before))
  }
})

test('what comes later does not move what is there', async () => {
  await write([Array.from({ length: 10 }, (_, id) => letter(id))])
  const before = (await read()).keys
  await write([Array.from({ length: 20 }, (_, id) => letter(id, { run: 'r2' }))], 1, 'r2')
  const after = (await read()).keys
  expect(after).toHaveLength(20)
  expect(after.filter((key) => (key as [number])[0] < 10)).toEqual(before)
})

test('of a record that several runs rejected, the last letter; of one run, its own', async () => {
  await write([[letter(1, { record: { id: 1, from: 'r1' } }), letter(2)]])
  await write([[letter(1, { run: 'r2', record: { id: 1, from: 'r2' } })]], 1, 'r2')
  const past = new Date(Date.now() - 60_000)
  await utimes(`${directory}/r2.all.00000001.ndjson`, past, past)
  expect((await read()).rows).toContainEqual({ id: 1, from: 'r1' })
  await utimes(`${directory}/r1.all.00000001.ndjson`, past, new Date(past.getTime() - 60_000))
  expect((await read()).rows).toContainEqual({ id: 1, from: 'r2' })
  expect(idsOf(await read({ run: 'r1' }))).toEqual([1, 2])
  expect(idsOf(await read({ run: 'r2' }))).toEqual([1])
})

test('ignores a torn last line, and whoever goes on in the file writes over it', async () => {
  await write([[letter(1)]])
  await appendFile(`${directory}/r1.all.00000001.ndjson`, JSON.stringify(letter(2)).slice(0, -5))
  expect(idsOf(await read())).toEqual([1])
  await write([[letter(3)]])
  expect(idsOf(await read())).toEqual([1, 3])
})

test('refuses a whole line that is no letter, with its place', async () => {
  await write([[letter(1)]])
  for (const line of ['{"a":1}', 'x', '{"id":']) {
    await writeFile(`${directory}/r1.all.00000002.ndjson`, `${JSON.stringify(letter(2))}\n${line}\n`)
    await expect(read(), line).rejects.toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringMatching(/r1\.all\.00000002\.ndjson.*line 2/),
    })
  }
})

test('leaves other files alone', async () => {
  await write([[letter(1)]])
  await writeFile(`${directory}/notes.ndjson`, 'mine')
  expect(idsOf(await read())).toEqual([1])
  expect(await pruneDeadLetters(directory, { olderThan: new Date(Date.now() + 60_000) })).toHaveLength(1)
  expect(await files()).toEqual(['notes.ndjson'])
})

test('a record that could not be read is rejected again, with its bytes', async () => {
  const raw = Uint8Array.of(0xc3, 0x28)
  await write([[letter(1, { record: null, key: null, raw, stage: 'read' }), letter(2)]])
  const { pages, rows } = await read()
  expect(rows).toEqual([{ id: 2 }])
  expect(pages[0]?.count).toBe(2)
  expect(pages[0]?.rejected).toMatchObject([{ key: null, raw, error: { code: 'RECORD_UNREADABLE' } }])
  expect(pages[0]?.slice(0, 1)).toMatchObject({ count: 1, cursor: pages[0]?.cursor })
})

test('a record that JSON has no form for leaves a letter without it', async () => {
  await write([[letter(1, { record: { id: 1, call: () => 1 } })]])
  const { pages } = await read()
  expect(pages[0]?.rejected).toMatchObject([{ key: [1], error: { message: expect.stringContaining('call') } }])
})

test('counts and describes', async () => {
  await write([[letter(1, { record: { id: 1, name: 'a' } }), letter(2, { record: { id: 2 } })]])
  await using session = await deadLetterSource(directory, { key: 'id' }).connect(operation)
  expect(await session.count?.(operation)).toEqual({ value: 2, exact: true })
  expect(await session.describe(operation)).toEqual({
    key: ['id'],
    fields: [
      { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false },
      { name: 'name', type: { kind: 'text' }, nullable: true },
    ],
  })
})

test('reads lines larger than its block, and pages by bytes', async () => {
  const text = 'ü'.repeat(400_000)
  await write([[letter(1, { record: { id: 1, text } }), letter(2, { record: { id: 2, text } }), letter(3)]])
  const { rows, pages } = await read({}, null, 100, 1000)
  expect(rows.map((row) => (row.text as string | undefined)?.length ?? 0).sort()).toEqual([0, 400_000, 400_000])
  expect(pages.length).toBeGreaterThanOrEqual(2)
})

test('says that there is nothing to send again', async () => {
  await expect(read()).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND', message: expect.stringContaining(directory) })
  expect(await pruneDeadLetters(directory, { olderThan: new Date() })).toEqual([])
})

test('removes what is old and keeps what is not', async () => {
  await write([[letter(1)]], 1)
  await write([[letter(2)]], 2)
  const old = `${directory}/r1.all.00000001.ndjson`
  await utimes(old, new Date(0), new Date('2026-01-01T00:00:00Z'))
  expect(await pruneDeadLetters(directory, { olderThan: new Date('2026-01-01T00:00:00Z') })).toEqual([])
  expect(await pruneDeadLetters(directory, { olderThan: new Date('2026-01-01T00:00:01Z') })).toEqual([old])
  expect(await files()).toEqual(['r1.all.00000002.ndjson'])
})

test('says where it could not write, and why', async () => {
  await writeFile(directory, '')
  await expect(write([[letter(1)]])).rejects.toMatchObject({ message: expect.stringContaining(directory) })
})

test.skipIf(process.platform !== 'linux')('says so when the disk is full', async () => {
  await mkdir(directory)
  await symlink('/dev/full', `${directory}/r1.all.00000001.ndjson`)
  await expect(write([[letter(1)]])).rejects.toMatchObject({
    code: 'STORE_FULL',
    message: expect.stringContaining(directory),
  })
})

test('refuses wrong options', async () => {
  const wrong = { code: 'OPTION_INVALID' }
  expect(() => deadLetterFolder('')).toThrow(expect.objectContaining(wrong))
  expect(() => deadLetterSource(directory, { runs: 'x' } as never)).toThrow(expect.objectContaining(wrong))
  await expect(pruneDeadLetters(directory, { olderThan: '2026' as never })).rejects.toMatchObject(wrong)
})
