import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExactSink, RecordSchema, Row } from '@drover/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { drive, operation } from '../../core/src/files/testing/drive.js'
import { type ParquetSinkOptions, parquetSink } from '../src/index.js'
import { recordsOfFile } from './support/sink-contents.js'

const schema: RecordSchema = {
  fields: [
    { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false },
    { name: 'text', type: { kind: 'text' }, nullable: false },
  ],
  key: ['id'],
}
// Not to be compressed: a third of it is as large as a third of the file.
const rows: Row[] = Array.from({ length: 1_200 }, (_, id) => ({
  id,
  text: Math.sin(id + 1)
    .toString(36)
    .repeat(8),
}))
const isRoot = process.getuid?.() === 0
const canLimit = spawnSync('prlimit', ['--version']).status === 0

function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'drover-parquet-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** No file of this process may get larger than so many bytes until the test ends. */
function limitFileSize(bytes: number): () => void {
  const limit = (size: number | string) => execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${size}:`])
  const before = execFileSync('prlimit', ['--pid', String(process.pid), '--fsize', '--output=SOFT', '--noheadings'])
  const lift = () => void limit(before.toString().trim())
  onTestFinished(lift)
  limit(bytes)
  return lift
}

async function attempt(options: ParquetSinkOptions, fence: number, onCommit = () => {}): Promise<void> {
  await using session = await (parquetSink(options) as ExactSink).connect(operation)
  await session.prepare?.(schema, operation)
  await drive(session, rows, { fence, batchSize: 200, onCommit })
  await session.finish?.('completed', operation)
}

describe.skipIf(!canLimit)('a disk that takes no more', () => {
  test.each([
    ['row groups', 200, 60_000],
    ['rows that are in no row group', 1_000_000, 60_000],
  ])(
    'fails as STORE_FULL and leaves all that is committed, to go on once there is room: %s',
    async (_, rowGroupRows, room) => {
      const outputPath = join(tempFolder(), 'out.parquet')
      const lift = limitFileSize(room)
      let commits = 0
      const options = { outputPath, rowGroupRows, compression: 'none' } as const
      const count = () => void commits++
      await expect(attempt(options, 1, count)).rejects.toMatchObject({
        code: 'STORE_FULL',
        isRetryable: false,
        message: expect.stringContaining(outputPath),
      })
      expect(commits).toBeGreaterThan(0)
      expect(commits).toBeLessThan(6)
      const before = commits
      lift()
      await attempt(options, 2, count)
      // What was committed is not given again.
      expect(commits).toBeLessThanOrEqual(6 + (before < 6 ? 1 : 0))
      expect(await recordsOfFile(outputPath, schema.fields)).toEqual(rows)
    },
  )

  test('keeps the old output if there is no room to put the new one together', async () => {
    const outputPath = join(tempFolder(), 'out.parquet')
    await attempt({ outputPath, compression: 'none' }, 1)
    const old = readFileSync(outputPath)
    const lift = limitFileSize(old.length + 30_000)
    const more = { outputPath, compression: 'none', onExisting: 'append', rowGroupRows: 200 } as const
    const run = async (fence: number) => {
      await using session = await (parquetSink(more) as ExactSink).connect(operation)
      await session.prepare?.(schema, operation)
      await drive(session, rows, { run: 'run-2', fence, batchSize: 200 })
      await session.finish?.('completed', operation)
    }
    await expect(run(1)).rejects.toMatchObject({ code: 'STORE_FULL' })
    expect(readFileSync(outputPath).equals(old)).toBe(true)
    lift()
    await run(2)
    expect(await recordsOfFile(outputPath, schema.fields)).toEqual([...rows, ...rows])
  })
})

test.skipIf(process.platform === 'win32')('a folder that may not be written to fails as STORE_DENIED', async () => {
  const folder = tempFolder()
  mkdirSync(join(folder, 'closed'))
  chmodSync(join(folder, 'closed'), 0o555)
  chmodSync(folder, 0o755)
  if (isRoot && process.seteuid !== undefined) {
    process.seteuid(65534)
    onTestFinished(() => process.seteuid?.(0))
  }
  for (const name of ['closed/out.parquet', 'closed/a/out', 'closed']) {
    const outputPath = join(folder, name)
    await expect(attempt({ outputPath }, 1)).rejects.toMatchObject({
      code: 'STORE_DENIED',
      message: expect.stringContaining(outputPath),
    })
  }
})
