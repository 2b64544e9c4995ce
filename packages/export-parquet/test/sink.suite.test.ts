import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ExactSinkHarness, exactSinkSuite, killModel, type ValueSetName, valueSets } from '@drover/conformance'
import type { ExactSink, RecordSchema, Row } from '@drover/core'
import { describe, expect, test, vi } from 'vitest'
import { type ParquetSinkOptions, parquetSink } from '../src/index.js'
import { partedSink, withoutPart, withPart } from './support/parted-sink.js'
import { recordsOfFile, recordsOfSet } from './support/sink-contents.js'

vi.setConfig({ testTimeout: 60_000 })

const values = (Object.keys(valueSets) as ValueSetName[]).filter((name) => name !== 'any')

/** In memory where the system has such: thousands of small tests need not wait for a disk. */
async function tempFolder(): Promise<string> {
  return await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'drover-parquet-'))
}

interface Output {
  readonly name: string
  readonly path: string
  readonly options?: Partial<ParquetSinkOptions>
}

const small = { rowGroupRows: 24, rowGroupBytes: 100_000, openFolders: 2 }
const outputs: readonly Output[] = [
  { name: 'one file', path: 'out.parquet', options: small },
  { name: 'a folder', path: 'out', options: { ...small, fileBytes: 5_000 } },
  { name: 'a folder by a column', path: 'out', options: { ...small, rowGroupRows: 300, partitionBy: ['part'] } },
]

function contentsOf(folder: string, { path, options }: Output, schema: RecordSchema): Promise<Row[]> {
  const at = join(folder, path)
  if (path.endsWith('.parquet')) return existsSync(at) ? recordsOfFile(at, schema.fields) : Promise.resolve([])
  return recordsOfSet(at, schema.fields, options?.partitionBy)
}

for (const output of outputs) {
  exactSinkSuite(`Parquet, ${output.name}`, {
    capabilities: {
      values,
      loses: ['any'],
      keys: ['int', 'none'],
      visible: 'finish',
      readBack: output.options?.partitionBy === undefined,
      refuses: true,
      tellsRow: true,
    },
    create: async ({ schema }): Promise<ExactSinkHarness> => {
      const folder = await tempFolder()
      const open = (): ExactSink =>
        parquetSink({ outputPath: join(folder, output.path), ...output.options }) as ExactSink
      const isParted = output.options?.partitionBy !== undefined
      return {
        open: isParted ? () => partedSink(open()) : open,
        contents: async () => withoutPart(await contentsOf(folder, output, isParted ? withPart(schema) : schema)),
        refusable: (row) => ({ ...row, score: 'no number' }),
        [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
      }
    },
  })
}

describe('wherever a process ends', () => {
  test.each([
    ['one file', { path: 'out.parquet', options: { rowGroupRows: 4 } }],
    ['a folder', { path: 'out', options: { rowGroupRows: 4, fileBytes: 500 } }],
    ['a folder by a column', { path: 'out', options: { rowGroupRows: 6, partitionBy: ['child'], openFolders: 1 } }],
  ] as const)('every row is there once: %s', async (name, output) => {
    const report = await killModel({
      stride: 41,
      create: async ({ sinkSchema }) => {
        const folder = await tempFolder()
        return {
          openSink: () => parquetSink({ outputPath: join(folder, output.path), ...output.options }) as ExactSink,
          contents: () => contentsOf(folder, { name, ...output } as Output, sinkSchema),
          [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
        }
      },
    })
    expect(report.kills).toBeGreaterThan(10)
    expect(report.zombies).toBeGreaterThan(2)
  })
})
