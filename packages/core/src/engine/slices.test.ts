import { monitorEventLoopDelay } from 'node:perf_hooks'
import { describe, expect, it } from 'vitest'
import type { Backfiller } from '../contracts/backfiller.js'
import { type Flow, from } from '../flow/flow.js'
import { transformer } from '../flow/transformer-factory.js'
import { memorySink } from '../memory/memory-sink.js'
import { memorySource } from '../memory/memory-source.js'
import { memoryStateStore } from '../state/memory-state-store.js'
import { runBackfill } from './run-backfill.js'
import { runPipeline } from './run-pipeline.js'
import { type Numbered, numbers, source } from './testing/rigs.js'

function spin<T>(ms: number, value: T): T {
  const until = performance.now() + ms
  while (performance.now() < until);
  return value
}

/** How often a timer of a few milliseconds came, and how long it was usually kept waiting. */
async function ticksOf(work: () => Promise<unknown>): Promise<{ ticks: number; usualMs: number }> {
  let ticks = 0
  const timer = setInterval(() => ticks++, 5)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await work()
  delay.disable()
  clearInterval(timer)
  return { ticks, usualMs: delay.percentile(50) / 1e6 }
}

const copy = (flow: Flow<object>, batchSize = 1_000) =>
  runPipeline({ name: 'busy', source: flow, sink: memorySink<object>(), batchSize })

describe('other work of the process goes on', () => {
  it('while each record keeps it busy for long', async () => {
    const { ticks, usualMs } = await ticksOf(() => copy(from(source(60)).pipe((r) => spin(10, r))))
    expect(ticks).toBeGreaterThan(10)
    expect(usualMs).toBeLessThan(80) // 16 of them in one go would be more
  })

  it('behind a step that answered asynchronously once', async () => {
    const mostlySync = (r: Numbered) => (r.id === 1 ? Promise.resolve(r) : spin(2, r))
    expect((await ticksOf(() => copy(from(source(300)).pipe(mostlySync)))).ticks).toBeGreaterThan(10)
  })

  it('while several partitions are busy side by side', async () => {
    const parts = memorySource({ records: numbers(400), key: 'id', partitions: 8 })
    const flow = from(parts).pipe((r) => spin(2, r))
    const { usualMs } = await ticksOf(() =>
      runPipeline({ name: 'busy', source: flow, sink: memorySink<object>(), parallel: 8, batchSize: 10 }),
    )
    expect(usualMs).toBeLessThan(80) // 8 × 25 if each had a slice of its own
  })

  it('between the batches of a synchronous step that takes many records', async () => {
    const batched = transformer({
      name: 'batched',
      transformBatch: (records: readonly Numbered[]) => spin(20, records),
    })
    expect((await ticksOf(() => copy(from(source(30)).pipe(batched), 1))).ticks).toBeGreaterThan(10)
  })

  it('between the batches of a synchronous backfiller', async () => {
    const backfiller: Backfiller = {
      name: 'busy',
      backfillBatch: async ({ after }) => {
        const at = spin(10, (after as number | null) ?? 0) + 1
        return { scanned: 1, changed: 1, cursor: at, done: at === 60 }
      },
    }
    const { ticks } = await ticksOf(() => runBackfill({ backfiller, state: memoryStateStore(), batchSize: 1 }))
    expect(ticks).toBeGreaterThan(10)
  })

  it('while a synchronous source and steps move many small records', async () => {
    const wide = memorySource({ records: numbers(200_000).map(({ id }) => ({ id, text: `text ${id}` })), key: 'id' })
    const { usualMs } = await ticksOf(() => copy(from(wide).pipe((r) => ({ ...r, more: r.text.length }))))
    expect(usualMs).toBeLessThan(80)
  })
})

describe('concurrency', () => {
  it('is the number of calls under way in all partitions together', async () => {
    let under = 0
    let most = 0
    const one = transformer({
      name: 'one',
      concurrency: 2,
      transform: async (r: Numbered) => {
        most = Math.max(most, ++under)
        await new Promise((resolve) => setImmediate(resolve))
        under--
        return r
      },
    })
    const parts = memorySource({ records: numbers(400), key: 'id', partitions: 4 })
    await runPipeline({
      name: 'x',
      source: from(parts).pipe(one),
      sink: memorySink<Numbered>(),
      parallel: 4,
      batchSize: 10,
    })
    expect(most).toBe(2)
  })
})
