import { describe, expect, it } from 'vitest'
import { DroverError } from '../errors/drover-error.js'
import { from } from '../flow/flow.js'
import { transformer } from '../flow/transformer-factory.js'
import { memorySink } from '../memory/memory-sink.js'
import { memorySource } from '../memory/memory-source.js'
import { memoryStateStore } from '../state/memory-state-store.js'
import { runPipeline, startPipeline } from './run-pipeline.js'
import { but, failure, type Numbered, numbers, source, withSession } from './testing/rigs.js'

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Warnings of the process meanwhile. */
async function warningsOf(work: () => Promise<unknown>): Promise<string[]> {
  const warnings: string[] = []
  const note = (warning: Error): void => void warnings.push(String(warning))
  process.on('warning', note)
  await work()
  await sleep(10) // Node tells them in a later turn
  process.off('warning', note)
  return warnings
}

describe('a run that is paused', () => {
  it('leaves nothing behind with each pause', async () => {
    const warnings = await warningsOf(async () => {
      const live = startPipeline({ name: 'x', source: source(30), sink: memorySink<Numbered>(), batchSize: 2 })
      live.events.on('batch:committed', () => {
        live.pause()
        setImmediate(() => live.resume())
      })
      await live.result
    })
    expect(warnings).toEqual([])
  })

  it('stops when asked to, and at its deadline', async () => {
    const paused = (stopAfter?: { deadline: Date }) => {
      const live = startPipeline({
        name: 'x',
        source: source(30),
        sink: memorySink<Numbered>(),
        batchSize: 2,
        ...(stopAfter && { stopAfter }),
      })
      live.pause()
      return live
    }
    const live = paused()
    await sleep(20)
    expect(await live.stop()).toMatchObject({ status: 'stopped', counts: { read: 0 } })
    const late = await paused({ deadline: new Date(Date.now() + 50) }).result
    expect(late).toMatchObject({ status: 'stopped', reason: 'its deadline was reached' })
  })

  it('does not make up for the time it was paused, above its ceiling', async () => {
    const live = startPipeline({
      name: 'x',
      source: source(300),
      sink: memorySink<Numbered>(),
      batchSize: 10,
      recordsPerSecond: 1_000,
    })
    live.events.once('batch:committed', () => live.pause())
    await new Promise((resolve) => live.events.once('run:paused', resolve))
    await sleep(300)
    const resumed = performance.now()
    live.resume()
    await live.result
    expect(performance.now() - resumed).toBeGreaterThan(270)
  })
})

describe('a run that is to stop', () => {
  it('does nothing where the deadline is over already', async () => {
    const report = await runPipeline({
      name: 'x',
      source: source(3),
      sink: memorySink<Numbered>(),
      stopAfter: { deadline: new Date(0) },
    })
    expect(report).toMatchObject({ status: 'stopped', reason: 'its deadline was reached', counts: { read: 0 } })
  })

  it('does not wait as long as a store asks for', async () => {
    const into = withSession(memorySink<Numbered>(), () => ({
      write: async () => {
        throw new DroverError('STORE_UNAVAILABLE', 'down', { isRetryable: true, retryAfterMs: 3_600_000 })
      },
    }))
    const live = startPipeline({ name: 'x', source: source(3), sink: into, maxRetries: 2 })
    await new Promise((resolve) => live.events.once('batch:retried', resolve))
    expect(await failure(live.stop())).toMatchObject({ code: 'STORE_UNAVAILABLE' })
  })

  it('does not transform what it has read ahead, and tells the steps so', async () => {
    let calls = 0
    let aborted = 0
    const slow = transformer({
      name: 'slow',
      concurrency: 1,
      transform: async (r: Numbered, { signal }) => {
        if (r.id <= 10) return r
        calls++
        signal.addEventListener('abort', () => aborted++)
        await sleep(20)
        return r
      },
    })
    const live = startPipeline({
      name: 'x',
      source: from(source(200)).pipe(slow),
      sink: memorySink<Numbered>(),
      batchSize: 10,
    })
    live.events.once('batch:committed', () => void live.stop())
    expect(await live.result).toMatchObject({ status: 'stopped', counts: { read: 10 } })
    expect(calls).toBeLessThan(5)
    expect(aborted).toBe(calls)
  })
})

describe('a ceiling', () => {
  it('holds for many partitions at once, without warnings', async () => {
    const begun = performance.now()
    const warnings = await warningsOf(() =>
      runPipeline({
        name: 'x',
        source: memorySource({ records: numbers(320), key: 'id', partitions: 16 }),
        sink: memorySink<Numbered>(),
        parallel: 16,
        batchSize: 10,
        recordsPerSecond: 1_000,
      }),
    )
    expect(warnings).toEqual([])
    expect(performance.now() - begun).toBeGreaterThan(150)
  })

  it('is refused where it is no number, and a setting that does not exist too', async () => {
    const live = startPipeline({ name: 'x', source: source(3), sink: memorySink<Numbered>() })
    expect(() => live.update({ recordsPerSecond: -1 })).toThrow(/recordsPerSecond/)
    expect(() => live.update({ batchsize: 3 } as never)).toThrow(/did you mean "batchSize"/)
    await live.result
  })
})

describe('who listens', () => {
  it('is told once that a handler fails, however often it does', async () => {
    const live = startPipeline({ name: 'x', source: source(50), sink: memorySink<Numbered>(), batchSize: 1 })
    for (const event of ['batch:committed', 'run:progress', 'run:warning', 'run:started'] as const)
      live.events.on(event, () => {
        throw new Error(`${event} fails`)
      })
    live.events.on('run:finished', () => Promise.reject(new Error('run:finished fails')))
    const report = await live.result
    await sleep(1)
    expect(report.status).toBe('completed')
    expect(report.warnings.map(({ message }) => /a handler of (\S+) failed/.exec(message)?.[1]).sort()).toEqual([
      'batch:committed',
      'run:finished',
      'run:progress',
      'run:started',
      'run:warning',
    ])
  })

  it('does not disturb the run by a logger that fails', async () => {
    const boom = (): never => {
      throw new Error('the log is full')
    }
    const report = await runPipeline({
      name: 'x',
      source: source(5),
      sink: memorySink<Numbered>(),
      logger: { debug: boom, info: boom, warn: boom, error: boom },
    })
    expect(report).toMatchObject({ status: 'completed', counts: { written: 5 } })
    expect(report.warnings).toMatchObject([{ code: 'HANDLER_FAILED' }])
  })

  it('hears of progress every second, with a rate that counts this attempt alone', async () => {
    const into = memorySink<Numbered>()
    // As after a crash: where the state lies apart from the rows, only the sink knows how far it came.
    const state = but(memoryStateStore(), { settle: async () => {} })
    const run = (more: object) =>
      startPipeline({ name: 'x', source: source(2_000), sink: into, batchSize: 10, state, ...more })
    await run({ stopAfter: { records: 1_900 } }).result
    const live = run({ recordsPerSecond: 60 })
    const rates: number[] = []
    live.events.on('run:progress', ({ recordsPerSecond }) => rates.push(recordsPerSecond))
    await live.result
    expect(rates.length).toBeGreaterThanOrEqual(2)
    expect(Math.max(...rates)).toBeLessThan(200)
  })
})
