import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Row } from '../contracts/values.js'
import { runPipeline } from '../engine/run-pipeline.js'
import { from } from '../flow/flow.js'
import { memorySink } from '../memory/memory-sink.js'
import { memorySource } from '../memory/memory-source.js'
import { memoryStore } from '../memory/memory-store.js'
import { pruneDeadLetters } from './dead-letter-folder.js'
import { deadLetterSource } from './dead-letter-source.js'

let deadLetters: string
beforeEach(async () => {
  deadLetters = await mkdtemp(`${tmpdir()}/drover-replay-`)
})
afterEach(() => rm(deadLetters, { recursive: true }))

test('what was rejected goes through the same steps again, and arrives as if it had never failed', async () => {
  const records = Array.from({ length: 40 }, (_, id) => ({ id, size: id === 30 ? null : id }))
  const doubled = (row: Row): Row => ({ id: row.id, size: (row.size as number).toFixed(1) })
  const store = memoryStore()
  const report = await runPipeline({
    name: 'copy',
    source: from<Row>(memorySource({ records, key: 'id' })).pipe(doubled),
    sink: memorySink({ store, refuse: (row) => [3, 17, 18].includes(row.id as number) }),
    batchSize: 10,
    maxRejected: 4,
    deadLetters,
  })
  expect(report.counts).toMatchObject({ read: 40, written: 36, rejected: 4 })
  expect(report.deadLetters).toBe(deadLetters)

  const repaired = (row: Row): Row => ({ ...row, size: row.size ?? 0 })
  const replay = await runPipeline({
    name: 'copy-replayed',
    source: from(deadLetterSource(deadLetters)).pipe(repaired).pipe(doubled),
    sink: memorySink({ store }),
  })
  expect(replay.counts).toMatchObject({ read: 4, written: 4 })
  const wanted = records.map(({ id, size }) => ({ id, size: (size ?? 0).toFixed(1) }))
  expect([...store.rows].sort((a, b) => (a.id as number) - (b.id as number))).toEqual(wanted)
  expect(await pruneDeadLetters(deadLetters, { olderThan: new Date(Date.now() + 60_000) })).toHaveLength(1)
})
