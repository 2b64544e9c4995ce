import { describe, expect, it, vi } from 'vitest'
import type { CommitBatch } from '../contracts/sink.js'
import { from } from '../flow/flow.js'
import { memoryAckSink } from '../memory/memory-ack-sink.js'
import { type MemorySink, memorySink } from '../memory/memory-sink.js'
import { memorySource } from '../memory/memory-source.js'
import { sink } from '../sinks/sink.js'
import { memoryStateStore } from '../state/memory-state-store.js'
import type { PipelineOptions } from './options.js'
import { runPipeline, startPipeline } from './run-pipeline.js'
import {
  but,
  failure,
  ids,
  leavingAfter,
  type Numbered,
  numbers,
  source,
  withReading,
  withSession,
} from './testing/rigs.js'

/** Records of each batch that had any. */
async function sizesOf(options: PipelineOptions<Numbered>): Promise<number[]> {
  const live = startPipeline(options)
  const sizes: number[] = []
  live.events.on('batch:committed', ({ batch }) => batch.read > 0 && sizes.push(batch.read))
  await live.result
  return sizes
}

describe('the size of a batch', () => {
  it('never exceeds what the sink takes, whatever the caller asks for', async () => {
    const small = { ...memorySink<Numbered>(), limits: { records: 10 } }
    expect(await sizesOf({ name: 'x', source: source(35), sink: small, batchSize: 50 })).toEqual([10, 10, 10, 5])
    const later = { ...memorySink<Numbered>(), limits: { records: 10 } }
    const live = startPipeline({ name: 'x', source: source(100), sink: later })
    const sizes: number[] = []
    live.events.on('batch:committed', ({ batch }) => {
      sizes.push(batch.read)
      live.update({ batchSize: 40 })
    })
    await live.result
    expect(Math.max(...sizes)).toBe(10)
  })

  it('keeps to the bytes that the sink takes', async () => {
    const wide = memorySource({ records: numbers(400).map(({ id }) => ({ id, text: 'x'.repeat(10_000) })), key: 'id' })
    const small = { ...memorySink<Numbered>(), limits: { bytes: 100_000 } }
    const sizes = await sizesOf({ name: 'x', source: wide, sink: small, batchSize: 400 })
    expect(Math.max(...sizes)).toBeLessThan(10)
    expect(Math.max(...sizes)).toBeGreaterThan(5)
  })

  it('follows what was asked for meanwhile, down and up again, also with several in flight', async () => {
    for (const inFlight of [1, 4]) {
      const written: number[] = []
      const into = sink<Numbered>({
        name: 'slow',
        guarantee: 'idempotent',
        inFlight,
        batchSize: 10,
        write: async (records) => {
          await new Promise((resolve) => setImmediate(resolve))
          written.push(records.length)
        },
      })
      const live = startPipeline({ name: 'x', source: source(3_000), sink: into, state: memoryStateStore() })
      let committed = 0
      live.events.on('batch:committed', () => {
        committed++
        if (committed === 1) live.update({ batchSize: 3 })
        if (committed === 40) live.update({ batchSize: 500 })
      })
      await live.result
      expect(written.slice(10, 40).every((records) => records === 3)).toBe(true)
      expect(Math.max(...written)).toBe(500)
    }
  })

  it('reads as many records as stopAfter says, also where batches do not divide them', async () => {
    for (const inFlight of [1, 4]) {
      const into = sink<Numbered>({
        name: 's',
        guarantee: 'idempotent',
        inFlight,
        batchSize: 10,
        write: async () => {},
      })
      const stopAfter = { records: 25 }
      const report = await runPipeline({
        name: 'x',
        source: source(99),
        sink: into,
        state: memoryStateStore(),
        stopAfter,
      })
      expect(report).toMatchObject({ status: 'stopped', counts: { read: 25 } })
    }
  })

  it('is reached with records of some kilobytes too, whose pages end by their bytes', async () => {
    const wide = memorySource({ records: numbers(2_000).map(({ id }) => ({ id, text: 'x'.repeat(5_000) })), key: 'id' })
    const sizes = await sizesOf({ name: 'x', source: wide, sink: memorySink<Numbered>(), batchSize: 1_000 })
    expect(sizes[1]).toBeGreaterThan(850)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1_000)
  })

  it('shrinks where each record becomes many, so that the budget holds', async () => {
    const text = 'x'.repeat(1_000)
    const held: number[] = []
    const into = sink<object>({
      name: 'wide',
      guarantee: 'idempotent',
      write: async (rows) => void held.push(rows.length),
    })
    const flow = from(source(200)).pipe(({ id }) => Array.from({ length: 1_000 }, (_, child) => ({ id, child, text })))
    await runPipeline({
      name: 'x',
      source: flow,
      sink: into,
      state: memoryStateStore(),
      batchSize: 100,
      maxInFlightBytes: 20_000_000,
    })
    // About a kilobyte each: the first page is not known to swell, those behind it are.
    expect(Math.max(...held.slice(1))).toBeLessThanOrEqual(20_000)
    expect(held.reduce((sum, rows) => sum + rows)).toBe(200_000)
  })
})

describe('a batch', () => {
  /** A source whose pages take their time. */
  const slow = (count: number, onPage: (nth: number) => void | Promise<void>) =>
    withReading(source(count), (session) => ({
      async *read(options) {
        let nth = 0
        for await (const page of session.read(options)) {
          await onPage(++nth)
          yield page
        }
      },
    }))

  it('ends after five seconds, however few records came', async () => {
    let now = 0
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now)
    const reading = slow(10_000, () => {
      now += 2_000
    })
    const sizes = await sizesOf({ name: 'x', source: reading, sink: memorySink<Numbered>(), batchSize: 10_000 })
    clock.mockRestore()
    expect(sizes[0]).toBeLessThanOrEqual(3_000)
    expect(sizes.length).toBeGreaterThan(2)
  })

  it('ends with the page in hand when the run is to stop, or to pause', async () => {
    for (const ask of ['stop', 'pause'] as const) {
      const reading = slow(10_000, async (nth) => {
        if (nth === 3) void live[ask]()
        await new Promise((resolve) => setImmediate(resolve))
      })
      const live = startPipeline({ name: 'x', source: reading, sink: memorySink<Numbered>(), batchSize: 10_000 })
      const first = new Promise<number>((resolve) =>
        live.events.once('batch:committed', ({ batch }) => resolve(batch.read)),
      )
      expect(await first).toBeLessThanOrEqual(3_000)
      await live.stop()
    }
  })

  it('is not followed by a page read ahead where it fills the budget with one page', async () => {
    let read = 0
    const reading = withReading(source(30), (session) => ({
      async *read(options) {
        for await (const page of session.read({ ...options, page: { ...options.page, records: 1 } })) {
          read++
          yield but(page, { bytes: 200_000_000 })
        }
      },
    }))
    const ahead: number[] = []
    const into = sink<Numbered>({
      name: 's',
      guarantee: 'idempotent',
      write: async (records) => {
        await new Promise((resolve) => setImmediate(resolve))
        ahead.push(read - (records[0] as Numbered).id)
      },
    })
    await runPipeline({ name: 'x', source: reading, sink: into, state: memoryStateStore() })
    expect(Math.max(...ahead)).toBe(0)
  })

  it('shares the budget with those of other partitions', async () => {
    const text = 'x'.repeat(10_000)
    const records = numbers(4_000).map(({ id }) => ({ id, text }))
    const wide = memorySource({ records, key: 'id', partitions: 8 })
    const more = { batchSize: 500, parallel: 8, maxInFlightBytes: 8_000_000 }
    const sizes = await sizesOf({ name: 'x', source: wide, sink: memorySink<Numbered>(), ...more })
    expect(Math.max(...sizes) * 8 * text.length).toBeLessThan(8_000_000)
  })
})

describe('a sink that ends its batches itself', () => {
  const intoLeaving = (pages: number, into: MemorySink<Numbered>) =>
    runPipeline({
      name: 'leaving',
      source: source(5_000),
      sink: leavingAfter(pages, into),
      batchSize: 5_000,
      maxRejected: 3,
      deadLetters: memoryAckSink(),
    })

  it('gets every record once', async () => {
    for (const pages of [1, 2, 3]) {
      const into = memorySink<Numbered>()
      await intoLeaving(pages, into)
      expect(ids(into.store.rows)).toEqual(ids(numbers(5_000)))
    }
  })

  for (const tellsRow of [true, false]) {
    for (const deferred of [true, false]) {
      it(`loses only what it refuses, ${tellsRow ? 'named' : 'searched for'}${deferred ? ' at the end' : ''}`, async () => {
        const poison = [5, 700, 4_321]
        const into = memorySink<Numbered>({ refuse: ({ id }) => poison.includes(id), tellsRow, deferred })
        const report = await intoLeaving(2, into)
        expect(report.counts).toMatchObject({ read: 5_000, written: 4_997, rejected: 3 })
        expect(ids(into.store.rows)).toEqual(ids(numbers(5_000)).filter((id) => !poison.includes(id)))
      })
    }
  }
})

describe('a sink that breaks its contract', () => {
  const run = (write: (batch: CommitBatch<Numbered>) => Promise<void>) => {
    const into = memorySink<Numbered>()
    const name = 'broken'
    const work = runPipeline({
      name,
      source: source(3_000),
      sink: withSession(into, () => ({ write })),
      batchSize: 3_000,
    })
    return { into, work }
  }
  const drain = async (batch: CommitBatch<Numbered>) => {
    let rows = 0
    for await (const page of batch) rows += page.rows().length
    return { inserted: rows, updated: 0, skipped: 0 }
  }

  it('by not committing, or by counting wrong, is named, and nothing is committed', async () => {
    const silent = await failure(run(async (batch) => void (await drain(batch))).work)
    expect(silent).toMatchObject({ code: 'CONTRACT_BROKEN' })
    expect(silent.message).toContain('broken: sink memory')
    const wrong = run(async (batch) => void (await batch.commit({ ...(await drain(batch)), skipped: 1 })))
    expect((await failure(wrong.work)).message).toMatch(/sink memory accounts for 3001 rows .* of a batch of 3000/)
    expect(wrong.into.store.positions.every(({ sequence }) => sequence === 0)).toBe(true)
  })

  it('by pulling the batch twice is refused', async () => {
    const error = await failure(
      run(async (batch) => {
        await drain(batch)
        await drain(batch)
      }).work,
    )
    expect(error).toMatchObject({ code: 'CONTRACT_BROKEN' })
  })

  it('by taking a source that breaks for one that ends does not lose what it did not get', async () => {
    const into = memorySink<Numbered>()
    const broken = withReading(source(3_000), (session) => ({
      async *read(options) {
        let pages = 0
        for await (const page of session.read(options)) {
          if (++pages === 2) throw new Error('the source broke')
          yield page
        }
      },
    }))
    const deaf = withSession(into, (session) => ({
      write: async (batch, operation) => {
        const pages = async function* () {
          try {
            yield* batch
          } catch {}
        }
        await session.write({ ...batch, [Symbol.asyncIterator]: pages }, operation)
      },
    }))
    const error = await failure(runPipeline({ name: 'deaf', source: broken, sink: deaf, batchSize: 3_000 }))
    expect(error.message).toContain('the source broke')
    expect(ids(into.store.rows)).toEqual(ids(numbers(1_000)))
  })

  it('by pulling on behind its commit gets nothing that stands in no position', async () => {
    const written: number[] = []
    await run(async (batch) => {
      const pages = batch[Symbol.asyncIterator]()
      const first = await pages.next()
      const rows = first.done === true ? [] : first.value.rows()
      await batch.commit({ inserted: rows.length, updated: 0, skipped: 0 })
      written.push(...ids(rows))
      for (let next = await pages.next(); next.done !== true; next = await pages.next())
        written.push(...ids(next.value.rows()))
    }).work
    expect(written).toEqual(ids(numbers(3_000)))
  })
})
