import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memorySink, memorySource, memoryStateStore, runPipeline } from '@drover/core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { parquetSink, parquetSource } from '../src/index.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drover-parquet-'))
})
afterEach(() => rm(folder, { recursive: true }))

// The names of a run's files begin with its id, which is random: ten runs are in the order of their names once in 3.6 million times.
it.each([1, 3])('a set that is added to is read as it grows, with %i partitions', async (parallel) => {
  const path = join(folder, 'set')
  const state = memoryStateStore()
  const sink = memorySink()
  const wanted: unknown[] = []
  for (let night = 0; night < 10; night++) {
    const records = [0, 1].map((n) => ({ id: night * 2 + n, day: night % 3 }))
    wanted.push(...records)
    await runPipeline({
      name: `night ${night}`,
      source: memorySource({ records, key: 'id' }),
      sink: parquetSink({ outputPath: path, partitionBy: ['day'], onExisting: 'append' }),
    })
    const source = parquetSource({ path, key: 'id' })
    const report = await runPipeline({ name: 'follow', source, sink, state, again: 'incremental', parallel })
    expect(report.counts.read).toBe(2)
  }
  expect([...sink.store.rows].sort((a, b) => Number(a.id) - Number(b.id))).toEqual(wanted)
})
