import { describe, expect, it } from 'vitest'
import type { Stall, StoreWait, WaitingFor } from '../contracts/stall.js'
import { from } from '../flow/flow.js'
import { memorySink } from '../memory/memory-sink.js'
import { memoryStateStore } from '../state/memory-state-store.js'
import type { LiveRun } from './live-run.js'
import type { PipelineOptions } from './options.js'
import { startBackfill } from './run-backfill.js'
import { startPipeline } from './run-pipeline.js'
import { but, type Numbered, source, transient, withReading, withSession } from './testing/rigs.js'

const stalledAfterMs = 20

/** A promise, and the function that fulfils it. */
function latch(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

function stalled(live: LiveRun): Promise<Stall> {
  return new Promise((resolve) => live.events.once('run:stalled', resolve))
}

function start(options: Partial<PipelineOptions<Numbered>>): LiveRun {
  return startPipeline({
    name: 'x',
    source: source(30),
    sink: memorySink<Numbered>(),
    batchSize: 10,
    stalledAfterMs,
    ...options,
  })
}

/** A sink whose second write waits, and what it says meanwhile. */
function waitingSink(until: Promise<void>, waitsFor?: () => Promise<readonly StoreWait[]>) {
  return withSession(memorySink<Numbered>(), (session) => ({
    write: async (batch, operation) => {
      if (batch.sequence === 2) await until
      await session.write(batch, operation)
    },
    ...(waitsFor && { waitsFor }),
  }))
}

describe('a run that is not opened', () => {
  const wait: StoreWait = { pid: 7, statement: 'SELECT', blockedBy: [{ pid: 8 }], message: 'SELECT waits for 8.' }

  it.each<[string, WaitingFor, (until: Promise<void>) => Partial<PipelineOptions<Numbered>>]>([
    [
      'because its source does not count',
      'source',
      (until) => ({
        progress: { write: () => true } as unknown as NodeJS.WritableStream,
        source: but(source(30), {
          connect: async (operation) => {
            operation.whenStalled?.(async () => [wait])
            const count = () => until.then(() => ({ value: 30, exact: true }))
            return but(await source(30).connect(operation), { count })
          },
        }),
      }),
    ],
    [
      'because its source cannot be connected to',
      'source',
      (until) => ({
        source: but(source(30), {
          connect: async (operation) => {
            operation.whenStalled?.(async () => [wait])
            await until
            return source(30).connect(operation)
          },
        }),
      }),
    ],
    [
      'because its sink is not ready',
      'sink',
      (until) => {
        const sink = memorySink<Numbered>()
        return {
          sink: but(sink, {
            connect: async (operation) => {
              operation.whenStalled?.(async () => [wait])
              await until
              return sink.connect(operation)
            },
          }),
        }
      },
    ],
  ])('%s says so, and what it waits for', async (_, waitsFor, options) => {
    const { opened, open } = latch()
    const live = start(options(opened))
    const stall = await stalled(live)
    expect(stall).toMatchObject({ name: 'x', run: '', partition: '', waitsFor, statements: [wait] })
    expect(stall.message).toMatch(
      /^The run has not been opened for [\d.]+ s: it waits for the (source|sink) to .*\. SELECT waits/,
    )
    open()
    const { counts, warnings } = await live.result
    expect(counts.written).toBe(30)
    expect(warnings).toEqual([{ code: 'STALLED', message: expect.stringContaining('SELECT waits for 8.') }])
  })

  it('tells so of a claim, and of a source that gives no records, with what they say', async () => {
    const { opened, open } = latch()
    const claiming = withSession(memorySink<Numbered>(), (session) => ({
      claim: (claim, operation) => opened.then(() => session.claim(claim, operation)),
    }))
    const first = start({
      sink: but(claiming, {
        connect: (operation) => {
          operation.whenStalled?.(async () => [wait])
          return claiming.connect(operation)
        },
      }),
    })
    expect(await stalled(first)).toMatchObject({ partition: 'all', waitsFor: 'sink', statements: [wait] })
    open()
    expect((await first.result).counts.written).toBe(30)
    const slow = latch()
    const reading = withReading(source(30), (session) => ({
      async *read(options) {
        await slow.opened
        yield* session.read(options)
      },
    }))
    const live = start({
      source: but(reading, {
        connect: (operation) => {
          operation.whenStalled?.(async () => [wait])
          return reading.connect(operation)
        },
      }),
    })
    expect(await stalled(live)).toMatchObject({ partition: 'all', waitsFor: 'source', statements: [wait] })
    slow.open()
    expect((await live.result).counts.written).toBe(30)
  })
})

describe('a partition that stands still', () => {
  it('is told with what its sink says of it, again while that lasts, and stands in log, progress and report', async () => {
    const { opened, open } = latch()
    const wait: StoreWait = { pid: 7, statement: 'UPDATE t', blockedBy: [{ pid: 8 }], message: 'UPDATE t waits for 8.' }
    const asked: string[] = []
    const warned: string[] = []
    const lines: string[] = []
    const nothing = (): void => {}
    const live = start({
      sink: waitingSink(opened, async () => {
        asked.push('asked')
        return [wait]
      }),
      logger: { debug: nothing, info: nothing, warn: (message) => warned.push(message), error: nothing },
      progress: { write: (line: string) => lines.push(line) } as unknown as NodeJS.WritableStream,
    })
    const first = await stalled(live)
    expect(first).toMatchObject({ name: 'x', partition: 'all', waitsFor: 'sink', statements: [wait] })
    expect(first.sinceMs).toBeGreaterThanOrEqual(stalledAfterMs)
    expect(first.message).toMatch(
      /Nothing of partition "all" was committed for [\d.]+ s: it waits for the sink to write\. UPDATE t waits/,
    )
    const second = await stalled(live)
    expect(second.sinceMs - first.sinceMs).toBeGreaterThanOrEqual(stalledAfterMs - 1)
    open()
    const { warnings, counts, run } = await live.result
    expect(second.run).toBe(run)
    expect(counts.written).toBe(30)
    expect(warnings).toEqual([{ code: 'STALLED', message: expect.stringContaining('UPDATE t waits for 8.') }])
    expect(warned.join()).toContain(first.message)
    expect(lines.join()).toContain(`x: ${first.message}`)
    expect(asked.length).toBeGreaterThanOrEqual(2)
  })

  it('does not fail because its sink cannot say why, and is not held up by one that never answers', async () => {
    const { opened, open } = latch()
    const answers = [() => Promise.reject(new Error('no, postgres://u:hunter2@h')), () => new Promise<never>(() => {})]
    const live = start({ sink: waitingSink(opened, () => (answers.shift() ?? answers[1])?.() ?? Promise.resolve([])) })
    const { message, statements } = await stalled(live)
    expect(statements).toEqual([])
    expect(message).toContain('The store could not be asked what it waits for: no, postgres://***@h')
    await expect.poll(() => answers.length).toBe(0)
    open()
    expect((await live.result).counts.written).toBe(30)
  })

  it('because of its source or a step says so', async () => {
    const slowSource = latch()
    const reading = withReading(source(30), (session) => ({
      async *read(options) {
        for await (const page of session.read(options)) {
          yield page
          await slowSource.opened
        }
      },
    }))
    const first = start({ source: reading })
    expect(await stalled(first)).toMatchObject({ waitsFor: 'source', statements: [] })
    slowSource.open()
    expect((await first.result).counts.written).toBe(30)
    const slowStep = latch()
    const live = start({ source: from(source(30)).pipe(async (r: Numbered) => slowStep.opened.then(() => r)) })
    expect(await stalled(live)).toMatchObject({ waitsFor: 'transform' })
    slowStep.open()
    expect((await live.result).counts.written).toBe(30)
  })

  it('because another process has its lease says who', async () => {
    const state = memoryStateStore()
    const { opened, open } = latch()
    const holder = start({ state, sink: waitingSink(opened), stalledAfterMs: 0 })
    await new Promise((resolve) => holder.events.once('batch:committed', resolve))
    const said: string[] = []
    const quiet = { debug() {}, info: (message: string) => said.push(message), warn() {}, error() {} }
    const waiting = start({ state, whenHeld: 'wait', logger: quiet })
    const { waitsFor, message } = await stalled(waiting)
    expect(waitsFor).toBe('lease')
    expect(message).toMatch(new RegExp(`its lease, which .*:${process.pid}:.* holds until 20`))
    open()
    await holder.result
    expect((await waiting.result).warnings).toEqual([])
    // At once, and once, however long it waits.
    expect(said.filter((message) => /^x: waits for .*, which works on it$/.test(message))).toHaveLength(1)
  })

  it('because its batch is tried again and again says why', async () => {
    let isFree = false
    const sink = withSession(memorySink<Numbered>(), (session) => ({
      write: async (batch, operation) => {
        if (!isFree) throw transient('somebody holds the lock')
        await session.write(batch, operation)
      },
    }))
    const live = start({ sink, maxRetries: 20 })
    const { waitsFor, message } = await stalled(live)
    expect(waitsFor).toBe('sink')
    expect(message).toMatch(/tried again \d times?, the last time after STORE_BUSY: somebody holds the lock/)
    isFree = true
    expect((await live.result).counts.written).toBe(30)
  })

  it('is a backfill written by hand, too', async () => {
    const { opened, open } = latch()
    const live = startBackfill({
      backfiller: {
        name: 'b',
        backfillBatch: async () => {
          await opened
          return { scanned: 0, changed: 0, cursor: null, done: true }
        },
      },
      state: memoryStateStore(),
      stalledAfterMs,
    })
    expect(await stalled(live)).toMatchObject({ partition: 'all', waitsFor: 'backfiller' })
    open()
    await live.result
  })
})

describe('a partition that is held back', () => {
  const events = (live: LiveRun): Stall[] => {
    const told: Stall[] = []
    live.events.on('run:stalled', (stall) => void told.push(stall))
    return told
  }

  it('by a pause is not stalled', async () => {
    const live = start({ stalledAfterMs: 40 })
    const told = events(live)
    live.events.once('batch:committed', () => live.pause())
    await new Promise((resolve) => live.events.once('run:paused', resolve))
    await new Promise((resolve) => setTimeout(resolve, 200)) // nothing is to happen meanwhile
    live.resume()
    await live.result
    expect(told).toEqual([])
  })

  it('by its ceiling is not stalled', async () => {
    const live = start({ recordsPerSecond: 100, stalledAfterMs: 40 })
    const told = events(live)
    const report = await live.result
    expect(report.attempt.durationMs).toBeGreaterThan(150)
    expect(told).toEqual([])
  })
})

it('is refused an interval that is none', () => {
  expect(() => start({ stalledAfterMs: -1 })).toThrow(/stalledAfterMs/)
})
