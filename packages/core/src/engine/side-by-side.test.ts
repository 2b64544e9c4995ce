import { describe, expect, it } from 'vitest'
import { memorySink } from '../memory/memory-sink.js'
import { memorySource } from '../memory/memory-source.js'
import { sink } from '../sinks/sink.js'
import { memoryStateStore } from '../state/memory-state-store.js'
import { startPipeline } from './run-pipeline.js'
import { type Numbered, numbers } from './testing/rigs.js'

const partitions = 6
const total = 4_800

/** A run over six partitions whose sink counts the batches that are written at once. */
function counted(parallel: number) {
  const seen = { now: 0, most: 0, written: 0 }
  const into = sink<Numbered>({
    name: 'counted',
    guarantee: 'idempotent',
    batchSize: 5,
    write: async (records) => {
      seen.most = Math.max(seen.most, ++seen.now)
      await new Promise((resolve) => setTimeout(resolve, 2))
      seen.now--
      seen.written += records.length
    },
  })
  const source = memorySource({ records: numbers(total), key: 'id', partitions })
  const live = startPipeline({ name: 'x', source, sink: into, state: memoryStateStore(), parallel })
  const batches = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await new Promise((resolve) => live.events.once('batch:committed', resolve))
  }
  return { live, seen, batches }
}

describe('partitions side by side', () => {
  it('become fewer while the run runs, after the batches in hand, and more again', async () => {
    const { live, seen, batches } = counted(partitions)
    await batches(20)
    expect(seen.most).toBe(partitions)
    live.update({ concurrency: 2 })
    await batches(partitions)
    while (seen.now > 2) await batches(1)
    seen.most = 0
    await batches(40)
    expect(seen.most).toBe(2)
    live.update({ concurrency: 5 })
    while (seen.most < 5) await batches(1)
    expect((await live.result).counts.written).toBe(total)
    expect([seen.most, seen.written]).toEqual([5, total])
  })

  it('become one, and all is done all the same', async () => {
    const { live, seen, batches } = counted(4)
    await batches(8)
    live.update({ concurrency: 1 })
    await batches(4)
    while (seen.now > 1) await batches(1)
    seen.most = 0
    await batches(100)
    expect(seen.most).toBe(1)
    live.update({ concurrency: 4 })
    expect((await live.result).counts.written).toBe(total)
  })

  it('rest and stop when asked to', async () => {
    const { live, batches } = counted(partitions)
    await batches(8)
    live.update({ concurrency: 1 })
    await batches(partitions)
    expect(await live.stop()).toMatchObject({ status: 'stopped' })
  })

  it('are at the most as many as the run has', async () => {
    const source = memorySource({ records: numbers(50), key: 'id' })
    const live = startPipeline({ name: 'x', source, sink: memorySink<Numbered>(), batchSize: 5 })
    live.events.once('run:started', () => live.update({ concurrency: 100 }))
    expect(await live.result).toMatchObject({ status: 'completed', counts: { written: 50 } })
    expect(() => live.update({ concurrency: 0 })).toThrow(/concurrency is a whole number of at least 1/)
  })
})
