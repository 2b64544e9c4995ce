import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DroverError } from '@drover/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parquetSource } from '../src/index.js'
import { copyTo, rowsOf, tempFolder } from './source-fixtures.js'

async function refusal(path: string): Promise<string> {
  return await rowsOf(parquetSource({ path })).then(
    () => 'nothing was refused',
    (error: { code?: string; message: string }) => `${error.code}: ${error.message}`,
  )
}

const sql = "SELECT i AS n, 'text ' || i AS t, [i, NULL] AS l FROM range(3000) r(i)"

async function sample(options = 'ROW_GROUP_SIZE 2048'): Promise<string> {
  return await copyTo(join(await tempFolder(), 'x.parquet'), sql, options)
}

async function changed(change: (bytes: Buffer) => Buffer, options?: string): Promise<string> {
  const path = await sample(options)
  await writeFile(path, change(await readFile(path)))
  return path
}

test('a file that is not there', async () => {
  expect(await refusal('nowhere/x.parquet')).toMatch(/^SOURCE_NOT_FOUND: nowhere\/x\.parquet is not there/)
})

test.each([
  ['no Parquet', (): Buffer => Buffer.from('{"id": 1}\n{"id": 2}\n'), 'is no Parquet file'],
  ['without a byte', (): Buffer => Buffer.alloc(0), 'is empty'],
  ['of a few bytes', (): Buffer => Buffer.from('PAR1PAR1'), 'is no Parquet file: it is too short'],
  ['cut short', (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length - 20), 'is cut short'],
  ['cut at its beginning', (bytes: Buffer): Buffer => bytes.subarray(2000), 'cannot be read'],
  ['encrypted', (bytes: Buffer): Buffer => Buffer.concat([bytes.subarray(0, -4), Buffer.from('PARE')]), 'is encrypted'],
  [
    'whose footer is longer than the file',
    (bytes: Buffer): Buffer =>
      Buffer.concat([bytes.subarray(0, -8), Buffer.from([255, 255, 255, 127]), Buffer.from('PAR1')]),
    'its footer is said to be longer',
  ],
])('a file %s', async (_, change, says) => {
  const path = await changed(change)
  const said = await refusal(path)
  expect(said).toMatch(/^SOURCE_INVALID: /)
  expect(said).toContain(path)
  expect(said).toContain(says)
})

test.runIf(process.getuid?.() !== 0)('a file that may not be read', async () => {
  const path = await sample()
  await chmod(path, 0)
  expect(await refusal(path)).toMatch(/^STORE_DENIED/)
})

test('a folder that is called as a file', async () => {
  const path = join(await tempFolder(), 'x.parquet')
  await mkdir(path)
  expect(await refusal(path)).toMatch(/^SOURCE_NOT_FOUND: .*holds no file/)
})

describe('a damaged page', () => {
  test('is named with file, row group and column; the row groups before it are read', async () => {
    const path = await changed((bytes) => {
      const at = bytes.indexOf('text 2500')
      return bytes.fill(0xff, at - 40, at + 4000)
    }, 'ROW_GROUP_SIZE 2048, COMPRESSION uncompressed')
    const rows: unknown[] = []
    const source = parquetSource({ path, columns: ['t'] })
    await using session = await source.connect({ signal: new AbortController().signal })
    const read = async (): Promise<void> => {
      const options = { partition: { id: 'all', bounds: null }, after: null, page: { records: 100, bytes: 1e9 } }
      for await (const page of session.read({ ...options, signal: new AbortController().signal }))
        rows.push(...page.rows())
    }
    const error = await read().then(
      () => null,
      (thrown: unknown) => thrown,
    )
    expect(DroverError.isInstance(error, 'SOURCE_INVALID')).toBe(true)
    expect(String(error)).toMatch(/x\.parquet: row group 1, column "t" cannot be read: /)
    expect(rows).toHaveLength(2048)
  })
})

test('whatever is changed in a file, it is an error of ours or a record, never a crash, never much memory', async () => {
  const path = await sample("ROW_GROUP_SIZE 2048, KV_METADATA {'drover.schema': '{}'}")
  const whole = await readFile(path)
  const footer = whole.length - whole.readUInt32LE(whole.length - 8) - 8
  const before = process.memoryUsage.rss()
  let refused = 0
  const place = fc.oneof(
    fc.integer({ min: footer, max: whole.length - 1 }),
    fc.integer({ min: 0, max: whole.length - 1 }),
  )
  const damage = fc.array(fc.tuple(place, fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(damage, async (changes) => {
      const bytes = Buffer.from(whole)
      for (const [at, byte] of changes) bytes[at] = byte
      await writeFile(path, bytes)
      try {
        await rowsOf(parquetSource({ path }), { page: { records: 1000, bytes: 1e9 } })
      } catch (error) {
        expect(DroverError.isInstance(error, 'SOURCE_INVALID')).toBe(true)
        refused++
      }
    }),
    { numRuns: 250 },
  )
  expect(refused).toBeGreaterThan(50)
  expect(process.memoryUsage.rss() - before).toBeLessThan(400 * 1024 * 1024)
})
