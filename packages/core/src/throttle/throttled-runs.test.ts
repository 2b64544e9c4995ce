import { describe, expect, it, vi } from 'vitest'
import type { Throttled } from '../contracts/events.js'
import type { HealthReading } from '../contracts/health.js'
import { runBackfill, startBackfill } from '../engine/run-backfill.js'
import { runPipeline, startPipeline } from '../engine/run-pipeline.js'
import { failure, type Numbered, source, withReading } from '../engine/testing/rigs.js'
import { memoryAckSink } from '../memory/memory-ack-sink.js'
import { memorySink } from '../memory/memory-sink.js'
import { memoryStateStore } from '../state/memory-state-store.js'
import { eventLoopDelay } from './event-loop-delay.js'
import { heapUsed } from './heap-used.js'
import type { ThrottleOptions } from './throttle-options.js'

const records = 400

/** A backfiller written by hand. */
const backfiller = {
  name: 'by hand',
  backfillBatch: async ({ after, limit }: { after: unknown; limit: number }) => {
    const from = typeof after === 'number' ? after : 0
    const to = Math.min(records, from + limit)
    return { scanned: to - from, changed: to - from, cursor: to, done: to === records }
  },
}

const lanes = {
  exact: (options: object) =>
    startPipeline({ name: 'x', source: source(records), sink: memorySink<Numbered>(), batchSize: 10, ...options }),
  acknowledging: (options: object) =>
    startPipeline({
      name: 'x',
      source: source(records),
      sink: memoryAckSink<Numbered>(),
      state: memoryStateStore(),
      batchSize: 10,
      ...options,
    }),
  backfill: (options: object) => startBackfill({ backfiller, state: memoryStateStore(), batchSize: 10, ...options }),
}

describe.each(Object.entries(lanes))('in an %s lane', (_, start) => {
  it('nothing is begun before the first reading, nor while a load is twice its limit', async () => {
    let reading: HealthReading = { load: 2, reason: 'replica lag 4 s of 2 s' }
    let begun = 0
    const live = start({ signals: [{ name: 'lag', everyMs: 10, check: () => reading }] })
    live.events.on('batch:committed', () => {
      begun++
    })
    const told: (Throttled | undefined)[] = []
    await new Promise<void>((resolve) => {
      live.events.on('run:throttled', ({ throttle }) => {
        told.push(throttle)
        resolve()
      })
    })
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(begun).toBe(0)
    expect(live.status()?.throttle).toEqual({ reason: 'replica lag 4 s of 2 s', restMs: 100 })
    reading = { load: 0, reason: '' }
    expect(await live.result).toMatchObject({ status: 'completed', counts: { read: records } })
    expect(told[0]).toMatchObject({ reason: 'replica lag 4 s of 2 s' })
  })

  it('batches become as large as they may while they are quick', async () => {
    const sizes: number[] = []
    const live = start({ adaptive: { targetBatchMs: 10_000, maxBatchSize: 40 } })
    live.events.on('batch:committed', ({ batch }) => sizes.push(batch.read))
    await live.result
    expect(Math.max(...sizes)).toBeGreaterThan(25)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(40)
  })

  it('a signal that throws, and one that hangs, are told and do not end the run', async () => {
    const report = await start({
      signals: [
        () => {
          throw new Error('no such view')
        },
        { name: 'hanging', timeoutMs: 20, check: () => new Promise<never>(() => {}) },
      ],
    }).result
    expect(report.status).toBe('completed')
    expect(report.warnings.map(({ code, message }) => `${code}: ${message}`)).toEqual([
      'SIGNAL_FAILED: The signal signals[0] failed: no such view. While it does, the run gets neither faster nor slower by it. It is told once, however often it fails.',
      'SIGNAL_FAILED: The signal hanging failed: it did not answer within 20 ms. While it does, the run gets neither faster nor slower by it. It is told once, however often it fails.',
    ])
  })

  it('a run can be stopped while a load holds it back', async () => {
    const live = start({ signals: [() => ({ load: 5, reason: 'never' })] })
    await new Promise<void>((resolve) => live.events.on('run:throttled', () => resolve()))
    expect(await live.stop('enough')).toMatchObject({ status: 'stopped', reason: 'enough', counts: { read: 0 } })
  })

  it('a run outside of its windows stops if that is asked for, and else waits and can be stopped', async () => {
    const windows = [elsewhen()]
    const stopped = await start({ windows, whenClosed: 'stop' }).result
    expect(stopped).toMatchObject({ status: 'stopped', counts: { read: 0 } })
    expect(stopped.reason).toMatch(/^no window is open, the next one opens in 1[12] h/)
    const live = start({ windows })
    const { throttle } = await new Promise<{ throttle?: Throttled }>((resolve) =>
      live.events.on('run:throttled', resolve),
    )
    expect(throttle?.reason).toMatch(/^no window is open/)
    expect(await live.stop()).toMatchObject({ status: 'stopped', counts: { read: 0 } })
  })
})

describe('a run whose window closes', () => {
  it.each(['exact', 'acknowledging'] as const)('gives its read up until the next one opens: %s', async (kind) => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-05-05T22:59:59Z') })
    let reading = 0
    const read = withReading(source(records), (session) => ({
      read: async function* (options) {
        reading++
        try {
          yield* session.read(options)
        } finally {
          reading--
        }
      },
    }))
    try {
      const live = lanes[kind]({ source: read, windows: [{ from: '22:00', to: '23:00', zone: 'UTC' }] })
      live.events.once('batch:committed', () => vi.setSystemTime('2026-05-05T23:00:01Z'))
      await new Promise<void>((resolve) => live.events.once('run:throttled', () => resolve()))
      await vi.waitFor(() => expect(reading).toBe(0))
      const { read: before = 0 } = live.status()?.counts ?? {}
      expect(before).toBeGreaterThan(0)
      expect(before).toBeLessThan(records)
      expect(live.status()?.throttle).toMatchObject({ restMs: expect.closeTo(82_799_000, -4) })
      vi.setSystemTime('2026-05-06T22:00:00Z')
      expect(await live.result).toMatchObject({ status: 'completed', counts: { read: records, written: records } })
    } finally {
      vi.useRealTimers()
    }
  })
})

/** An hour in twelve hours. */
function elsewhen() {
  const hour = (new Date().getUTCHours() + 12) % 24
  return { from: `${hour}:30`, to: `${(hour + 1) % 24}:00`, zone: 'UTC' }
}

describe('a size asked for while it runs', () => {
  it('is the largest from then on', async () => {
    const sizes: number[] = []
    const live = lanes.exact({ adaptive: { targetBatchMs: 10_000 } })
    live.events.on('batch:committed', ({ batch }) => {
      sizes.push(batch.read)
      if (sizes.length === 3) live.update({ batchSize: 5 })
    })
    await live.result
    expect(Math.max(...sizes.slice(5))).toBe(5)
  })
})

describe('what a run tells of how long it will take', () => {
  it('counts with a ceiling that was set a moment ago, and says that its deadline comes before', async () => {
    const live = startPipeline({
      name: 'x',
      source: source(20_000),
      sink: memorySink<Numbered>(),
      batchSize: 10,
      stopAfter: { deadline: new Date(Date.now() + 30_000) },
    })
    live.events.on('run:progress', () => {})
    await new Promise<void>((resolve) => live.events.once('batch:committed', () => resolve()))
    live.update({ recordsPerSecond: 20 })
    const { etaMs, stopsInMs } = live.status() ?? {}
    expect(etaMs).toBeGreaterThan(900_000)
    expect(stopsInMs).toBeGreaterThan(0)
    expect(stopsInMs).toBeLessThanOrEqual(30_000)
    await live.stop()
  })
})

describe('what the process says of itself', () => {
  it('is how late its event loop is', async () => {
    const signal = eventLoopDelay({ maxMs: 20 })
    const operation = { signal: new AbortController().signal }
    await signal.check(operation)
    const until = performance.now() + 120
    await new Promise((resolve) => setTimeout(resolve, 15))
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 30))
    const busy = await signal.check(operation)
    expect(busy.load).toBeGreaterThan(2)
    expect(busy.reason).toMatch(/^event loop delay \d+ ms of 20 ms$/)
    await signal.close?.()
  })

  it('is how much of its heap it uses', async () => {
    const { load, reason } = await heapUsed({ maxShare: 0.5 }).check({ signal: new AbortController().signal })
    expect(load).toBeGreaterThan(0)
    expect(load).toBeLessThan(2)
    expect(reason).toMatch(/^heap [\d.]+ % of 50 %$/)
  })

  it.each([
    [() => eventLoopDelay({} as never), /maxMs is missing/],
    [() => eventLoopDelay({ maxMs: 0 }), /maxMs is a whole number of at least 1/],
    [() => heapUsed({ maxShare: 80 }), /maxShare is a number above 0 and up to 1, not 80/],
    [() => heapUsed({ share: 0.8 } as never), /there is no option "share"/],
  ])('is refused with options that make no sense', (make, message) => {
    expect(make).toThrow(message)
  })
})

describe('what makes no sense', () => {
  const tomorrow = new Date(Date.now() + 3_600_000)
  it.each<[string, object, RegExp]>([
    ['a target that is missing', { adaptive: {} }, /adaptive: targetBatchMs is missing/],
    ['a target of nothing', { adaptive: { targetBatchMs: 0 } }, /targetBatchMs is a whole number of at least 1/],
    [
      'bounds that cross',
      { adaptive: { targetBatchMs: 9, minBatchSize: 9, maxBatchSize: 3 } },
      /minBatchSize \(9\) is more than/,
    ],
    ['a mistyped bound', { adaptive: { targetBatchMs: 9, maxSize: 3 } }, /there is no option "maxSize"/],
    [
      'a signal that is none',
      { signals: [{ name: 'x' }] },
      /signals\[0\]: it is a function, or an object with name and check/,
    ],
    ['a list within the list', { signals: [[() => ({ load: 0, reason: '' })]] }, /spread a list of signals/],
    ['a signal alone', { signals: () => ({ load: 0, reason: '' }) }, /signals is a list/],
    ['no windows', { windows: [] }, /windows is empty, so that the run would never work/],
    ['a window that never opens', { windows: [{ from: '22:00', to: '22:00', zone: 'UTC' }] }, /it would never be open/],
    [
      'a window without days',
      { windows: [{ from: '1:00', to: '2:00', zone: 'UTC', days: [] }] },
      /it would never open/,
    ],
    [
      'a day that there is not',
      { windows: [{ from: '1:00', to: '2:00', zone: 'UTC', days: ['mond'] }] },
      /no day "mond"; did you mean "mon"/,
    ],
    ['a time that there is not', { windows: [{ from: '25:00', to: '2:00', zone: 'UTC' }] }, /from is a time of day/],
    ['no zone', { windows: [{ from: '1:00', to: '2:00' }] }, /zone is a text/],
    [
      'a zone that there is not',
      { windows: [{ from: '1:00', to: '2:00', zone: 'Europe/Wien' }] },
      /there is no time zone "Europe\/Wien"/,
    ],
    [
      'a deadline before every window',
      { windows: [elsewhen()], stopAfter: { deadline: tomorrow } },
      /no window opens before the deadline/,
    ],
    ['a choice that there is not', { windows: [elsewhen()], whenClosed: 'end' }, /whenClosed is 'wait' or 'stop'/],
  ])('is refused before anything is read: %s', async (_, options, message) => {
    const given = options as ThrottleOptions
    const pipeline = runPipeline({ name: 'x', source: source(1), sink: memorySink<Numbered>(), ...given })
    const error = await failure(pipeline)
    expect(error.code).toBe('OPTION_INVALID')
    expect(error.message).toMatch(message)
    const second = await failure(runBackfill({ backfiller, state: memoryStateStore(), ...given }))
    expect(second.message).toMatch(message)
  })
})
