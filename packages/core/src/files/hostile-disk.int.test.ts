import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { jsonSink } from './json-sink.js'
import { jsonSource } from './json-source.js'
import { encodeJson } from './json-values.js'
import { ndjsonSink } from './ndjson-sink.js'
import { ndjsonSource } from './ndjson-source.js'
import { drive, operation, records, runOnce, whole } from './testing/drive.js'
import { smallDisk } from './testing/small-disk.js'
import { tempFolder } from './testing/temp-folder.js'

vi.setConfig({ testTimeout: 120_000 })

const linesOf = (rows: readonly object[]): string => rows.map((row) => `${encodeJson(row)}\n`).join('')
const rows = records(2000)
/** About 90 KB of text in batches of 8 KB. */
const half = linesOf(rows).length / 2
const isRoot = process.getuid?.() === 0

/** No file of this process may get larger than so many bytes until the test ends. */
function limitFileSize(bytes: number): { lift: () => void } {
  const limit = (size: number | string) => execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${size}:`])
  const before = execFileSync('prlimit', ['--pid', String(process.pid), '--fsize', '--output=SOFT', '--noheadings'])
  const lift = () => void limit(before.toString().trim())
  onTestFinished(lift)
  limit(bytes)
  return { lift }
}

const canLimit = spawnSync('prlimit', ['--version']).status === 0

describe.skipIf(!canLimit)('a disk that takes no more', () => {
  test.each([false, true])(
    'fails as STORE_FULL and leaves all that is committed, to go on once there is room: gzip %s',
    async (gzip) => {
      const path = `${tempFolder()}/out.ndjson`
      const sink = ndjsonSink({ path, gzip })
      const limit = limitFileSize(gzip ? 8000 : half)
      let commits = 0
      const attempt = async (fence: number) => {
        await using session = await sink.connect(operation)
        await drive(session, rows, { fence, batchSize: 200, onCommit: () => commits++ })
        await session.finish?.('completed', operation)
      }
      await expect(attempt(1)).rejects.toMatchObject({
        code: 'STORE_FULL',
        isRetryable: false,
        message: expect.stringContaining(path),
      })
      const before = commits
      expect(before).toBeGreaterThan(1)
      expect(before).toBeLessThan(9)
      limit.lift()
      await attempt(2)
      expect(commits).toBe(10)
      await using back = await ndjsonSource({ path }).connect(operation)
      let read = 0
      for await (const page of back.read({
        ...operation,
        partition: whole,
        after: null,
        page: { records: 1000, bytes: 1e6 },
      })) {
        for (const row of page.rows()) expect(row).toEqual(rows[read++])
      }
      expect(read).toBe(rows.length)
    },
  )

  test('goes on in the same session, without what was torn', async () => {
    const path = `${tempFolder()}/out.ndjson`
    await using session = await ndjsonSink({ path }).connect(operation)
    const limit = limitFileSize(half)
    await expect(drive(session, rows, { batchSize: 200 })).rejects.toMatchObject({ code: 'STORE_FULL' })
    limit.lift()
    await drive(session, rows, { batchSize: 300 })
    await session.finish?.('completed', operation)
    expect(readFileSync(path, 'utf8')).toBe(linesOf(rows))
  })

  test('keeps the old output if there is no room to put the new one together', async () => {
    const path = `${tempFolder()}/out.json`
    const sink = jsonSink({ path })
    await runOnce(sink, rows.slice(0, 1200), { run: 'run-0', batchSize: 400 })
    const old = readFileSync(path, 'utf8')
    const limit = limitFileSize(old.length + 1000)
    const more = { run: 'run-1', from: 1200, partition: { ...whole, start: 1200 }, batchSize: 400 }
    await expect(runOnce(sink, rows, more)).rejects.toMatchObject({ code: 'STORE_FULL' })
    expect(readFileSync(path, 'utf8')).toBe(old)
    limit.lift()
    await runOnce(sink, rows, { ...more, fence: 2 })
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(rows)
  })
})

test('a full disk fails as STORE_FULL, and the run goes on once there is room', async ({ skip }) => {
  const disk = smallDisk()
  if (disk === null) return skip()
  writeFileSync(`${disk}/ballast`, Buffer.alloc(200_000))
  const path = `${disk}/out.ndjson`
  const attempt = (fence: number) => runOnce(ndjsonSink({ path }), rows, { fence, batchSize: 200 })
  await expect(attempt(1)).rejects.toMatchObject({ code: 'STORE_FULL', message: expect.stringContaining(path) })
  // The manifest does not fit either, by now.
  await expect(attempt(2)).rejects.toMatchObject({ code: 'STORE_FULL' })
  execFileSync('rm', [`${disk}/ballast`])
  await attempt(3)
  expect(readFileSync(path, 'utf8')).toBe(linesOf(rows))
  expect(readdirSync(disk).sort()).toEqual(['.drover', 'out.ndjson'])
})

describe('rights', () => {
  /** Root may do anything: these tests run as somebody else. */
  function asNobody(): void {
    if (!isRoot || process.seteuid === undefined) return
    process.seteuid(65534)
    onTestFinished(() => process.seteuid?.(0))
  }

  test.skipIf(process.platform === 'win32')('a folder that may not be written to fails as STORE_DENIED', async () => {
    const folder = tempFolder()
    mkdirSync(`${folder}/closed`)
    chmodSync(`${folder}/closed`, 0o555)
    chmodSync(folder, 0o755)
    asNobody()
    for (const path of [`${folder}/closed/out.ndjson`, `${folder}/closed/a/b/out.ndjson`]) {
      await expect(runOnce(ndjsonSink({ path }), records(1))).rejects.toMatchObject({
        code: 'STORE_DENIED',
        message: expect.stringContaining(path),
      })
    }
    await expect(runOnce(jsonSink({ directory: `${folder}/closed` }), records(1))).rejects.toMatchObject({
      code: 'STORE_DENIED',
    })
  })

  test.skipIf(process.platform === 'win32')('a file that may not be read fails as STORE_DENIED', async () => {
    const folder = tempFolder()
    writeFileSync(`${folder}/in.json`, '[]')
    chmodSync(`${folder}/in.json`, 0)
    chmodSync(folder, 0o755)
    asNobody()
    const path = `${folder}/in.json`
    await expect(ndjsonSource({ path }).connect(operation)).rejects.toMatchObject({ code: 'STORE_DENIED' })
    const session = await jsonSource({ path }).connect(operation)
    await expect(session.describe(operation)).rejects.toMatchObject({ code: 'STORE_DENIED' })
  })

  test.skipIf(process.platform === 'win32')('what is staged is for the owner alone', async () => {
    const folder = tempFolder()
    if (isRoot) chownSync(folder, 0, 0)
    await using session = await ndjsonSink({ path: `${folder}/out.ndjson` }).connect(operation)
    await drive(session, records(3))
    expect(statSync(`${folder}/.drover`).mode & 0o077).toBe(0)
  })
})

test('a line of 200 MB is one record', async () => {
  const folder = tempFolder()
  const path = `${folder}/in.ndjson`
  const file = await open(path, 'w')
  await file.write('{"id":1}\n{"text":"')
  const megabyte = Buffer.alloc(1_000_000, 'x')
  for (let i = 0; i < 200; i++) await file.write(megabyte)
  await file.write('"}\n{"id":3}\n')
  await file.close()
  const seen: unknown[] = []
  {
    await using session = await ndjsonSource({ path }).connect(operation)
    for await (const page of session.read({
      ...operation,
      partition: whole,
      after: null,
      page: { records: 1000, bytes: 1e6 },
    })) {
      for (const row of page.rows()) seen.push(row.text === undefined ? row.id : String(row.text).length)
    }
  }
  expect(seen).toEqual([1, 200_000_000, 3])
  const copy = `${folder}/copy.ndjson`
  await runOnce(ndjsonSink({ path: copy }), [{ text: 'x'.repeat(200_000_000) }])
  expect(statSync(copy).size).toBe(200_000_012)
})
