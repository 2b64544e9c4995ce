import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type ExactSink,
  memorySource,
  memoryStateStore,
  type PipelineOptions,
  type Report,
  type Row,
  runPipeline,
} from '@drover/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { drive, operation, whole } from '../../core/src/files/testing/drive.js'
import { type ParquetSinkOptions, parquetSink } from '../src/index.js'

const schema = {
  fields: [
    { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false },
    { name: 'day', type: { kind: 'text' }, nullable: false },
  ],
  key: ['id'],
} as const

const rows = (count: number): Row[] => Array.from({ length: count }, (_, i) => ({ id: i + 1, day: `d${i % 2}` }))

function tempFolder(): string {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'drover-parquet-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const everythingIn = (folder: string) => rmSync(folder, { recursive: true })
const allButHidden = (folder: string) => {
  for (const name of readdirSync(folder)) if (!name.startsWith('.')) rmSync(join(folder, name), { recursive: true })
}
const oneFolder = (folder: string) => rmSync(join(folder, 'day=d1'), { recursive: true })

const outputs = [
  ['a file', 'out.parquet', {}, rmSync, ''],
  ['a data set', 'out', {}, everythingIn, ''],
  ['a data set by a column', 'out', { partitionBy: ['day'] }, everythingIn, ''],
  ['all that is seen of a data set', 'out', {}, allButHidden, ''],
  ['the files of a data set without a manifest', 'out', { manifest: false }, allButHidden, 'files, such as '],
  ['a folder of a data set', 'out', { partitionBy: ['day'] }, oneFolder, '1 of 2 files, such as day=d1/'],
] as const

describe('an incremental run whose output was deleted meanwhile', () => {
  test.each(outputs)('warns that what was exported before is not there: %s', async (_, name, options, remove, gone) => {
    const outputPath = join(tempFolder(), name)
    const state = memoryStateStore()
    const run = (count: number, again?: NonNullable<PipelineOptions<Row>['again']>): Promise<Report> =>
      runPipeline<Row>({
        name: 'export',
        source: memorySource({ records: rows(count), key: 'id', schema }),
        sink: parquetSink({ outputPath, ...options } as ParquetSinkOptions),
        state,
        parallel: 2,
        ...(again === undefined ? {} : { again }),
      })
    await run(2)
    expect((await run(2, 'incremental')).warnings).toEqual([])
    remove(outputPath)
    const report = await run(3, 'incremental')
    expect(report).toMatchObject({ status: 'completed', attempt: { counts: { written: 1 } } })
    expect(report.warnings).toEqual([{ code: 'OUTPUT_MISSING', message: expect.stringContaining("again: 'full'") }])
    expect(report.warnings[0]?.message).toContain(`${outputPath}: `)
    expect(report.warnings[0]?.message).toContain(gone)
    expect((await run(4, 'full')).warnings).toEqual([])
    expect((await run(5, 'incremental')).warnings).toEqual([])
  })

  test.each(['out.parquet', 'out'])('is told of in each attempt: %s', async (name) => {
    const outputPath = join(tempFolder(), name)
    const attempt = async (count: number, given: Parameters<typeof drive>[2], finishes = true): Promise<string[]> => {
      const codes: string[] = []
      const warn = ({ code }: { readonly code: string }) => void codes.push(code)
      await using session = await (parquetSink({ outputPath }) as ExactSink).connect({ ...operation, warn })
      await session.prepare?.(schema, operation)
      await drive(session, rows(count), given)
      if (finishes) await session.finish?.('completed', operation)
      return codes
    }
    expect(await attempt(2, {})).toEqual([])
    rmSync(outputPath, { recursive: true })
    const more = { run: 'run-2', from: 2, partition: { ...whole, start: 2 } }
    expect(await attempt(4, { ...more, fence: 1 }, false)).toEqual(['OUTPUT_MISSING'])
    expect(await attempt(4, { ...more, fence: 2 })).toEqual(['OUTPUT_MISSING'])
  })
})

test('a file where a data set is to be is named, and stays', async () => {
  const outputPath = join(tempFolder(), 'export')
  writeFileSync(outputPath, 'of the user')
  const run = runPipeline<Row>({
    name: 'export',
    source: memorySource({ records: rows(1), key: 'id', schema }),
    sink: parquetSink({ outputPath }),
  })
  await expect(run).rejects.toMatchObject({
    code: 'SINK_NOT_READY',
    message: expect.stringContaining(`${outputPath} is a file, and a data set is a folder. Name a folder, or`),
  })
  expect(existsSync(outputPath)).toBe(true)
})
