import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import {
  addMetadata,
  type Counts,
  DroverError,
  from,
  memoryAckSink,
  memorySink,
  memorySource,
  memoryStateStore,
  memoryStore,
  ndjsonSink,
  type Page,
  type Report,
  runPipeline,
  type Source,
  sink,
  startPipeline,
} from '../index.js'

interface Numbered {
  readonly id: number
}

const numbers = (count: number): Numbered[] => Array.from({ length: count }, (_, i) => ({ id: i + 1 }))
const source = (count: number) => memorySource({ records: numbers(count), key: 'id' })
const ids = (rows: readonly object[]): number[] => rows.map((row) => (row as Numbered).id)

async function failure(work: Promise<unknown>): Promise<DroverError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!DroverError.isInstance(error)) throw new Error(`expected a DroverError, got ${String(error)}`)
  return error
}

function balances({ counts }: Pick<Report, 'counts'>): void {
  expect(counts.read).toBe(counts.written + counts.filtered + counts.rejected)
  expect(counts.emitted).toBe(counts.inserted + counts.updated + counts.skipped)
}

/** A source whose pages can be watched and broken. */
function watched(
  inner: Source<Numbered>,
  onPage: (page: Page<Numbered>, nth: number) => void | Promise<void>,
): Source<Numbered> {
  let nth = 0
  return {
    ...inner,
    connect: async (operation) => {
      const session = await inner.connect(operation)
      return Object.assign(Object.create(session) as typeof session, {
        describe: session.describe.bind(session),
        read: async function* (options: Parameters<typeof session.read>[0]) {
          for await (const page of session.read(options)) {
            await onPage(page, ++nth)
            yield page
          }
        },
        [Symbol.asyncDispose]: async () => session[Symbol.asyncDispose](),
      })
    },
  }
}

describe('accounting', () => {
  it('counts records that were filtered, fanned out, rejected and written, and the sums hold', async () => {
    const into = memorySink<object>()
    const report = await runPipeline({
      name: 'counted',
      source: from(source(100))
        .filter((r) => r.id % 10 !== 0)
        .pipe((r) => (r.id % 7 === 0 ? null : r))
        .pipe((r) => {
          if (r.id === 3) throw new Error('three')
          return r
        })
        .pipe((r) => (r.id % 2 === 0 ? [r, { ...r, twin: true }] : r)),
      sink: into,
      maxRejected: 1,
      batchSize: 9,
      deadLetters: memoryAckSink(),
    })
    const kept = numbers(100).filter(({ id }) => id % 10 !== 0 && id % 7 !== 0 && id !== 3)
    const rows = kept.reduce((n, { id }) => n + (id % 2 === 0 ? 2 : 1), 0)
    expect(report.counts).toEqual({
      read: 100,
      written: kept.length,
      filtered: 99 - kept.length,
      rejected: 1,
      emitted: rows,
      inserted: rows,
      updated: 0,
      skipped: 0,
    })
    expect(into.store.rows).toHaveLength(rows)
    expect(report.status).toBe('completed')
    balances(report)
  })

  it('refuses a sink that does not account for every row, and commits nothing', async () => {
    const broken = sink<Numbered>({ name: 'forgetful', guarantee: 'idempotent', write: async () => {} })
    const forgetful = {
      ...broken,
      connect: async () => ({
        write: async (batch: AsyncIterable<Page<Numbered>>) => {
          for await (const page of batch) page.rows()
          return { inserted: 1, updated: 0, skipped: 0 }
        },
        async [Symbol.asyncDispose]() {},
      }),
    }
    const state = memoryStateStore()
    expect((await failure(runPipeline({ name: 'x', source: source(5), sink: forgetful, state }))).code).toBe(
      'CONTRACT_BROKEN',
    )
    expect(
      (await state.load('x', { signal: new AbortController().signal }))?.positions.some(
        (position) => position.sequence > 0,
      ),
    ).toBe(false)
  })

  it('keeps the counts of earlier attempts', async () => {
    const into = memorySink<Numbered>()
    const first = await runPipeline({
      name: 'twice',
      source: source(50),
      sink: into,
      batchSize: 10,
      stopAfter: { records: 20 },
    })
    expect(first).toMatchObject({ status: 'stopped', counts: { read: 20 } })
    const second = await runPipeline({ name: 'twice', source: source(50), sink: into, batchSize: 10 })
    expect(second).toMatchObject({
      status: 'completed',
      counts: { read: 50, inserted: 50 },
      attempt: { counts: { read: 30 }, resumed: true },
    })
    expect(ids(into.store.rows)).toEqual(ids(numbers(50)))
  })
})

describe('batches', () => {
  const batchesOf = async (options: {
    batchSize: number
    count: number
    maxInFlightBytes?: number
  }): Promise<number[]> => {
    const live = startPipeline({
      name: 'batches',
      source: source(options.count),
      sink: memorySink<Numbered>(),
      ...(({ count: _, ...rest }) => rest)(options),
    })
    const sizes: number[] = []
    const weights: (number | undefined)[] = []
    live.events.on('batch:committed', ({ batch, bytes }) => {
      sizes.push(batch.read)
      weights.push(bytes)
    })
    await live.result
    expect(weights.map((bytes, i) => (bytes ?? 0) >= (sizes[i] ?? 0))).not.toContain(false)
    return sizes.filter((size) => size > 0)
  }

  it('holds as many records as batchSize says, never more', async () => {
    expect(await batchesOf({ batchSize: 500, count: 1300 })).toEqual([500, 500, 300])
    expect(await batchesOf({ batchSize: 1500, count: 3500 })).toEqual([1500, 1500, 500])
    expect(Math.max(...(await batchesOf({ batchSize: 1009, count: 5000 })))).toBeLessThanOrEqual(1009)
  })

  it('ends sooner where pages hold more than the budget', async () => {
    const wide = memorySource({ records: numbers(400).map(({ id }) => ({ id, text: 'x'.repeat(10_000) })), key: 'id' })
    const live = startPipeline({
      name: 'wide',
      source: wide,
      sink: memorySink<{ id: number; text: string }>(),
      batchSize: 400,
      maxInFlightBytes: 1_000_000,
    })
    const sizes: number[] = []
    live.events.on('batch:committed', ({ batch }) => sizes.push(batch.read))
    await live.result
    expect(Math.max(...sizes)).toBeLessThanOrEqual(60)
  })

  it('reads the next page while the sink still writes', async () => {
    const seen: string[] = []
    const slow = sink<Numbered>({
      name: 'slow',
      guarantee: 'idempotent',
      batchSize: 10,
      write: async (records) => {
        seen.push(`write ${records[0]?.id}`)
        await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
        seen.push(`written ${records[0]?.id}`)
      },
    })
    const reading = watched(source(30), (page) => {
      seen.push(`page ${page.rows()[0]?.id}`)
    })
    await runPipeline({ name: 'overlap', source: reading, sink: slow, state: memoryStateStore() })
    expect(seen.indexOf('page 11')).toBeLessThan(seen.indexOf('written 1'))
  })

  it('lets timers run while a synchronous source and a synchronous step keep it busy', async () => {
    let ticks = 0
    const timer = setInterval(() => ticks++, 5)
    const spin = (r: Numbered): Numbered => {
      const until = performance.now() + 1
      while (performance.now() < until);
      return r
    }
    await runPipeline({
      name: 'busy',
      source: from(source(400)).pipe(spin),
      sink: memorySink<Numbered>(),
      batchSize: 400,
    })
    clearInterval(timer)
    expect(ticks).toBeGreaterThanOrEqual(4)
  })
})

describe('refused records', () => {
  for (const tellsRow of [true, false]) {
    for (const deferred of [false, true]) {
      it(`finds them ${tellsRow ? 'by the row the store named' : 'by halves'}${deferred ? ', though the store refuses at the end' : ''}`, async () => {
        const poison = new Set([3, 4, 57, 90])
        const letters = memoryAckSink()
        const into = memorySink<Numbered>({ refuse: (row) => poison.has(row.id), tellsRow, deferred })
        const report = await runPipeline({
          name: 'poison',
          source: source(100),
          sink: into,
          batchSize: 40,
          maxRejected: 10,
          deadLetters: letters,
        })
        expect(ids(into.store.rows)).toEqual(ids(numbers(100)).filter((id) => !poison.has(id)))
        expect(
          letters.store.rows.map((letter) => (letter as { record: Numbered }).record.id).sort((a, b) => a - b),
        ).toEqual([3, 4, 57, 90])
        expect(report.counts).toMatchObject({ read: 100, written: 96, rejected: 4 })
        balances(report)
      })
    }
  }

  it('rejects a family as a whole', async () => {
    const into = memorySink<{ id: number; child: number }>({ refuse: (row) => row.id === 5 && row.child === 2 })
    const letters = memoryAckSink()
    const report = await runPipeline({
      name: 'families',
      source: from(source(10)).pipe((r) => [0, 1, 2].map((child) => ({ id: r.id, child }))),
      sink: into,
      maxRejected: 1,
      deadLetters: letters,
    })
    expect(into.store.rows.filter((row) => row.id === 5)).toEqual([])
    expect(into.store.rows).toHaveLength(27)
    expect(letters.store.rows).toMatchObject([
      { key: [5], stage: 'write', record: { id: 5 }, row: { id: 5, child: 2 } },
    ])
    expect(report.counts).toMatchObject({ written: 9, rejected: 1, emitted: 27 })
  })

  it('stops at the first one by default, names it, and has committed nothing of its batch', async () => {
    const into = memorySink<Numbered>({ refuse: (row) => row.id === 25 })
    const run = () => runPipeline({ name: 'strict', source: source(100), sink: into, batchSize: 10 })
    const error = await failure(run())
    expect(error).toMatchObject({ code: 'RECORD_REJECTED' })
    expect(error.message).toContain('[25]')
    expect(ids(into.store.rows)).toEqual(ids(numbers(20)))
  })

  it('goes on from there once the record is mended', async () => {
    let bad = 25
    const into = memorySink<Numbered>({ refuse: (row) => row.id === bad })
    const run = () => runPipeline({ name: 'mended', source: source(100), sink: into, batchSize: 10 })
    await failure(run())
    bad = -1
    expect((await run()).counts).toMatchObject({ read: 100, written: 100, rejected: 0 })
    expect(ids(into.store.rows)).toEqual(ids(numbers(100)))
  })

  it('makes dead letters durable before the commit that leaves their records out', async () => {
    const order: string[] = []
    const letters = sink({ name: 'letters', guarantee: 'idempotent', write: async () => void order.push('letter') })
    const live = startPipeline({
      name: 'order',
      source: source(10),
      sink: memorySink<Numbered>({ refuse: (row) => row.id === 5 }),
      maxRejected: 1,
      deadLetters: letters,
    })
    live.events.on('batch:committed', ({ batch }) => batch.read > 0 && order.push('commit'))
    await live.result
    expect(order).toEqual(['letter', 'commit'])
  })

  it('does not commit if a dead letter cannot be kept', async () => {
    const letters = sink({
      name: 'letters',
      guarantee: 'idempotent',
      write: async () => Promise.reject(new Error('no space')),
    })
    const into = memorySink<Numbered>({ refuse: (row) => row.id === 5 })
    await failure(
      runPipeline({ name: 'unburied', source: source(10), sink: into, maxRejected: 1, deadLetters: letters }),
    )
    expect(into.store.rows).toEqual([])
  })

  it('puts the letters of a file in place once the run has completed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'drover-letters-'))
    const path = join(folder, 'letters.ndjson')
    const into = memorySink<Numbered>({ refuse: (row) => row.id === 5 })
    const run = (stopAfter?: { records: number }) =>
      runPipeline({
        name: 'filed',
        source: source(20),
        sink: into,
        batchSize: 10,
        maxRejected: 1,
        deadLetters: ndjsonSink({ path }),
        ...(stopAfter && { stopAfter }),
      })
    await run({ records: 10 })
    await run()
    const letters = (await readFile(path, 'utf8')).trim().split('\n')
    expect(letters.map((line) => (JSON.parse(line) as { key: unknown }).key)).toEqual([[5]])
    await rm(folder, { recursive: true })
  })

  it('leaves out of the letters what redact takes away', async () => {
    const letters = memoryAckSink()
    const people = memorySource({ records: [{ id: 1, secret: 'hush' }], key: 'id' })
    await runPipeline({
      name: 'redacted',
      source: people,
      sink: memorySink<{ id: number }>({ refuse: () => true }),
      maxRejected: 1,
      deadLetters: letters,
      redact: ({ secret: _, ...rest }) => rest,
    })
    expect(JSON.stringify(letters.store.rows)).not.toContain('hush')
  })
})

describe('transient errors', () => {
  const flaky = (failures: number): Error =>
    Object.assign(new DroverError('STORE_UNAVAILABLE', `down ${failures}`, { isRetryable: true }))

  it('are tried again, by reading on behind the last page', async () => {
    let failures = 2
    const reading = watched(source(30), (_, nth) => {
      if (nth === 2 && failures-- > 0) throw flaky(failures)
    })
    const into = memorySink<Numbered>()
    const report = await runPipeline({ name: 'flaky-read', source: reading, sink: into, batchSize: 10 })
    expect(ids(into.store.rows)).toEqual(ids(numbers(30)))
    expect(report.attempt.retries).toBeGreaterThan(0)
  })

  it('are tried again with the same pages', async () => {
    let failures = 2
    const written: number[] = []
    const into = sink<Numbered>({
      name: 'flaky',
      guarantee: 'idempotent',
      batchSize: 10,
      write: async (records) => {
        if (records[0]?.id === 11 && failures-- > 0) throw flaky(failures)
        written.push(...ids(records))
      },
    })
    await runPipeline({ name: 'flaky-write', source: source(30), sink: into, state: memoryStateStore() })
    expect(written).toEqual(ids(numbers(30)))
  })

  it('fail the run once maxRetries is used up', async () => {
    const into = sink<Numbered>({ name: 'down', guarantee: 'idempotent', write: async () => Promise.reject(flaky(0)) })
    expect(
      (
        await failure(
          runPipeline({ name: 'down', source: source(3), sink: into, state: memoryStateStore(), maxRetries: 2 }),
        )
      ).code,
    ).toBe('STORE_UNAVAILABLE')
  })

  it('do not write a batch twice when the commit went through but its answer was lost', async () => {
    const store = memoryStore<Numbered>()
    const inner = memorySink<Numbered>({ store })
    let lost = 1
    const losing: typeof inner = {
      ...inner,
      connect: async (operation) => {
        const session = await inner.connect(operation)
        return {
          claim: session.claim.bind(session),
          write: async (batch, options) => {
            await session.write(batch, options)
            if (options.mode === 'commit' && batch.sequence === 2 && lost-- > 0) throw flaky(0)
          },
          async [Symbol.asyncDispose]() {
            await session[Symbol.asyncDispose]()
          },
        }
      },
    }
    const report = await runPipeline({ name: 'lost-answer', source: source(30), sink: losing, batchSize: 10 })
    expect(ids(store.rows)).toEqual(ids(numbers(30)))
    expect(report.counts).toMatchObject({ read: 30, inserted: 30 })
  })
})

describe('acknowledging sinks', () => {
  it('have several batches under way, and their positions follow in order', async () => {
    let open = 0
    let most = 0
    const sequences: number[] = []
    const into = sink<Numbered>({
      name: 'windowed',
      guarantee: 'idempotent',
      batchSize: 5,
      inFlight: 3,
      write: async (records) => {
        most = Math.max(most, ++open)
        // The later batch is done first.
        for (let i = 0; i < 40 - (records[0]?.id ?? 0); i++) await new Promise((resolve) => setImmediate(resolve))
        open--
      },
    })
    const live = startPipeline({ name: 'windowed', source: source(40), sink: into, state: memoryStateStore() })
    live.events.on('batch:committed', ({ sequence }) => sequences.push(sequence))
    const report = await live.result
    expect(most).toBe(3)
    expect(sequences).toEqual([...sequences].sort((a, b) => a - b))
    expect(report.counts).toMatchObject({ read: 40, written: 40 })
  })

  it('do not move the position past a batch that failed', async () => {
    const state = memoryStateStore()
    const failing = (bad: number) =>
      sink<Numbered>({
        name: 'failing',
        guarantee: 'idempotent',
        batchSize: 5,
        inFlight: 4,
        write: async (records) => {
          if (records[0]?.id === bad) throw new Error('no')
        },
      })
    await failure(runPipeline({ name: 'gap', source: source(40), sink: failing(11), state }))
    const stored = await state.load('gap', { signal: new AbortController().signal })
    expect(stored?.positions[0]?.counts.read).toBe(10)
    expect((await runPipeline({ name: 'gap', source: source(40), sink: failing(-1), state })).counts).toMatchObject({
      read: 40,
      written: 40,
    })
  })

  it('are refused without allowDuplicates if they write at least once', async () => {
    const into = sink<Numbered>({ name: 'api', guarantee: 'at-least-once', write: async () => {} })
    expect(
      (await failure(runPipeline({ name: 'x', source: source(1), sink: into, state: memoryStateStore() }))).code,
    ).toBe('DUPLICATES_NOT_ALLOWED')
    expect(
      (
        await runPipeline({
          name: 'x',
          source: source(1),
          sink: into,
          state: memoryStateStore(),
          allowDuplicates: true,
        })
      ).guarantee,
    ).toBe('at-least-once')
  })

  it('are refused behind a source that repeats, unless they have a key', async () => {
    const repeating = { ...source(3), repeats: true }
    expect((await failure(runPipeline({ name: 'x', source: repeating, sink: memorySink<Numbered>() }))).code).toBe(
      'DUPLICATES_NOT_ALLOWED',
    )
    await runPipeline({ name: 'x', source: repeating, sink: memorySink<Numbered>({ key: 'id', onConflict: 'update' }) })
  })

  it('are not read incrementally from a source without an order', async () => {
    const unordered = { ...source(3), isUnordered: true }
    const options = { name: 'x', source: unordered, sink: memorySink<Numbered>(), state: memoryStateStore() }
    const refused = await failure(runPipeline({ ...options, again: 'incremental' }))
    expect([refused.code, refused.message]).toEqual(['OPTION_INVALID', expect.stringContaining("again: 'full'")])
    expect((await runPipeline({ ...options, again: 'full' })).counts.written).toBe(3)
  })

  it('get ids that are the same in every attempt', async () => {
    const seen: string[][] = []
    for (const name of ['one', 'two']) {
      const got: string[] = []
      await runPipeline({
        name,
        source: from(source(3)).pipe((r) => [r, r]),
        sink: sink({
          name: 'ids',
          guarantee: 'idempotent',
          write: async (_: readonly Numbered[], { ids }) => void got.push(...ids),
        }),
        state: memoryStateStore(),
      })
      seen.push(got)
    }
    expect(seen[0]).toEqual(seen[1])
    expect(new Set(seen[0]).size).toBe(6)
  })
})

describe('running again', () => {
  it('does nothing after completion, and says since when', async () => {
    const into = memorySink<Numbered>()
    const lines: string[] = []
    const info = (line: string) => void lines.push(line)
    const logger = { ...console, info }
    const first = await runPipeline({ name: 'once', source: source(5), sink: into })
    expect(first.completedAt).toEqual(first.finishedAt)
    const state = await into.store.state.load('once', { signal: new AbortController().signal })
    await new Promise((resolve) => setTimeout(resolve, 5))
    const again = await runPipeline({ name: 'once', source: source(9), sink: into, logger })
    expect(again.status).toBe('nothing')
    expect(again.completedAt).toEqual(state?.completedAt)
    expect(again.finishedAt.getTime()).toBeGreaterThan(first.finishedAt.getTime())
    expect(again.reason).toMatch(/completed at \d{4}-/)
    expect(again.counts.read).toBe(5)
    expect(again.attempt).toMatchObject({ counts: { read: 0, written: 0, emitted: 0 }, batches: 0, resumed: false })
    expect(lines).toEqual([expect.stringMatching(/nothing done now .*5 records read.* then$/)])
    expect(into.store.rows).toHaveLength(5)
  })

  it('is not completed while it is stopped', async () => {
    const run = { name: 'half', source: source(50), sink: memorySink<Numbered>(), batchSize: 10 }
    const report = await runPipeline({ ...run, stopAfter: { records: 20 } })
    expect(report.status).toBe('stopped')
    expect(report).not.toHaveProperty('completedAt')
  })

  it('reads what came since, if asked', async () => {
    const records = numbers(5)
    const into = memorySink<Numbered>()
    const run = () =>
      runPipeline({ name: 'more', source: memorySource({ records, key: 'id' }), sink: into, again: 'incremental' })
    await run()
    records.push({ id: 6 }, { id: 7 })
    expect(await run()).toMatchObject({ status: 'completed', counts: { read: 2 } })
    expect(ids(into.store.rows)).toEqual([1, 2, 3, 4, 5, 6, 7])
  })

  it('begins anew, if asked', async () => {
    const into = memorySink<Numbered>({ key: 'id', onConflict: 'update' })
    const run = () => runPipeline({ name: 'full', source: source(5), sink: into, again: 'full' })
    await run()
    expect((await run()).counts).toMatchObject({ read: 5, updated: 5 })
  })

  it('refuses to go on with another definition, and goes on or restarts if told to', async () => {
    const into = memorySink<object>()
    const stop = { batchSize: 5, stopAfter: { records: 5 } }
    await runPipeline({ name: 'changing', source: source(20), sink: into, ...stop })
    const changed = { name: 'changing', source: from(source(20)).pipe(addMetadata()), sink: into, batchSize: 5 }
    const error = await failure(runPipeline(changed))
    expect(error.code).toBe('PIPELINE_CHANGED')
    expect(error.message).toContain('addMetadata')
    expect((await runPipeline({ ...changed, whenChanged: 'continue', stopAfter: { records: 5 } })).counts.read).toBe(10)
    expect(
      (await runPipeline({ ...changed, whenChanged: 'restart', source: from(source(3)).pipe((r) => r) })).counts.read,
    ).toBe(3)
  })

  it('gives every attempt the same clock', async () => {
    const into = memorySink<{ metadata: { migrated_at: string } }>()
    const flow = () => from(source(20)).pipe(addMetadata())
    await runPipeline({ name: 'clock', source: flow(), sink: into, batchSize: 5, stopAfter: { records: 5 } })
    const report = await runPipeline({ name: 'clock', source: flow(), sink: into, batchSize: 5 })
    expect(new Set(into.store.rows.map((row) => row.metadata.migrated_at))).toEqual(
      new Set([report.startedAt.toISOString()]),
    )
  })
})

describe('while it runs', () => {
  it('stops after the batch in hand, and goes on from there', async () => {
    const into = memorySink<Numbered>()
    const live = startPipeline({ name: 'stopped', source: source(100), sink: into, batchSize: 10 })
    live.events.on('batch:committed', ({ sequence }) => sequence === 3 && void live.stop('enough'))
    const report = await live.result
    expect(report).toMatchObject({ status: 'stopped', reason: 'enough', counts: { read: 30 } })
    expect((await runPipeline({ name: 'stopped', source: source(100), sink: into, batchSize: 10 })).counts.read).toBe(
      100,
    )
    expect(ids(into.store.rows)).toEqual(ids(numbers(100)))
  })

  it('says where each batch began and ended, also behind a stop', async () => {
    const into = memorySink<Numbered>()
    const placesOf = async (stopAfter: { records?: number }): Promise<unknown[]> => {
      const live = startPipeline({ name: 'places', source: source(40), sink: into, batchSize: 10, stopAfter })
      const places: unknown[] = []
      live.events.on('batch:committed', ({ after, cursor, batch }) => batch.read > 0 && places.push([after, cursor]))
      await live.result
      return places
    }
    const first = await placesOf({ records: 20 })
    const second = await placesOf({})
    expect(first[0]).toEqual([null, expect.anything()])
    const ends = [...first, ...second].map((place) => (place as unknown[])[1])
    expect([...first, ...second].map((place) => (place as unknown[])[0])).toEqual([null, ...ends.slice(0, -1)])
    expect(ends).toHaveLength(4)
  })

  it('throws its own error out of a scope, whether or not its result was awaited there', async () => {
    const failing = () =>
      startPipeline({
        name: 'failing',
        source: from(source(1)).pipe((): Numbered => {
          throw new Error('no')
        }),
        sink: memorySink<Numbered>(),
      })
    const awaited = async () => {
      await using live = failing()
      await live.result
    }
    const left = async () => {
      await using live = failing()
      await new Promise((resolve) => live.events.once('run:failed', resolve))
    }
    await expect(awaited()).rejects.toMatchObject({ code: 'RECORD_REJECTED' })
    await expect(left()).rejects.toMatchObject({ code: 'RECORD_REJECTED' })
  })

  it('stops when its signal is aborted, and at a deadline', async () => {
    const controller = new AbortController()
    const into = memorySink<Numbered>()
    const live = startPipeline({
      name: 'aborted',
      source: source(100),
      sink: into,
      batchSize: 10,
      signal: controller.signal,
    })
    live.events.once('batch:committed', () => controller.abort())
    expect(await live.result).toMatchObject({ status: 'stopped', counts: { read: 10 } })
    expect(
      await runPipeline({ name: 'late', source: source(100), sink: into, stopAfter: { deadline: new Date(0) } }),
    ).toMatchObject({ status: 'stopped', counts: { read: 0 } })
  })

  it('waits while it is paused, and takes other settings', async () => {
    const live = startPipeline({ name: 'paused', source: source(100), sink: memorySink<Numbered>(), batchSize: 10 })
    const seen: string[] = []
    live.events.on('run:paused', () => {
      seen.push('paused')
      setImmediate(() => {
        live.update({ batchSize: 5 })
        live.resume()
      })
    })
    live.events.on('run:resumed', () => seen.push('resumed'))
    live.events.on('batch:committed', ({ sequence, batch }) => {
      seen.push(String(batch.read))
      if (sequence === 1) live.pause()
    })
    const report = await live.result
    expect(seen.slice(0, 4)).toEqual(['10', 'paused', 'resumed', '5'])
    expect(report.counts.read).toBe(100)
  })

  it('obeys what another process asked for', async () => {
    const state = memoryStateStore()
    const into = sink<Numbered>({
      name: 'api',
      guarantee: 'idempotent',
      batchSize: 1,
      write: async () => new Promise((resolve) => setTimeout(resolve, 5)),
    })
    const live = startPipeline({ name: 'operated', source: source(1000), sink: into, state, leaseMs: 100 })
    live.events.once('run:started', ({ run }) => {
      live.events.once('batch:committed', () => {
        void state.control(run, { state: 'stop' }, { signal: new AbortController().signal })
      })
    })
    expect(await live.result).toMatchObject({ status: 'stopped', reason: 'an operator asked for it' })
  })

  it('obeys a request to stop once: calling again goes on', async () => {
    const state = memoryStateStore()
    const into = sink<Numbered>({ name: 'api', guarantee: 'idempotent', batchSize: 10, write: async () => {} })
    const run = () => startPipeline({ name: 'again', source: source(100), sink: into, state })
    const first = run()
    first.events.once('batch:committed', () => void first.stop('first'))
    const { run: id } = await first.result
    await state.control(id, { state: 'stop' }, { signal: new AbortController().signal })
    expect(await run().result).toMatchObject({ status: 'completed', counts: { read: 100 } })
  })

  it('gives up when its lease is lost, and leaves the run to who has it', async () => {
    const state = memoryStateStore()
    let beats = 0
    const losing = new Proxy(state, {
      get(target, name: keyof typeof state) {
        if (name === 'heartbeat' && ++beats > 1)
          return () => Promise.reject(new DroverError('LEASE_LOST', 'somebody else has it'))
        const value: unknown = target[name]
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const into = sink<Numbered>({
      name: 'slow',
      guarantee: 'idempotent',
      batchSize: 1,
      write: async () => new Promise((resolve) => setTimeout(resolve, 5)),
    })
    const error = await failure(
      runPipeline({ name: 'lost', source: source(1000), sink: into, state: losing, leaseMs: 100 }),
    )
    expect(error.code).toBe('LEASE_LOST')
    const stored = await state.load('lost', { signal: new AbortController().signal })
    expect(stored?.lastOutcome).toBeUndefined()
  })

  it('tells a second one who holds it, and lets it wait', async () => {
    const into = memorySink<Numbered>()
    let second: Promise<Report> | undefined
    let third: Promise<DroverError> | undefined
    const live = startPipeline({ name: 'held', source: source(100), sink: into, batchSize: 10 })
    live.events.on('batch:committed', ({ sequence }) => {
      if (sequence !== 1) return
      third = failure(runPipeline({ name: 'held', source: source(100), sink: into, batchSize: 10 }))
      second = runPipeline({ name: 'held', source: source(100), sink: into, batchSize: 10, whenHeld: 'wait' })
      live.pause()
      void third.then(() => live.resume())
    })
    await live.result
    expect((await third)?.code).toBe('RUN_HELD')
    expect(await second).toMatchObject({ counts: { read: 100 } })
    expect(ids(into.store.rows)).toEqual(ids(numbers(100)))
  })

  it('reports a handler that throws, or rejects, and goes on', async () => {
    const live = startPipeline({ name: 'handlers', source: source(10), sink: memorySink<Numbered>() })
    live.events.on('batch:committed', () => {
      throw new Error('mine')
    })
    live.events.on('run:started', async () => {
      throw new Error('mine too')
    })
    const report = await live.result
    expect(report.status).toBe('completed')
    expect(report.warnings.map((warning) => warning.code)).toContain('HANDLER_FAILED')
    expect(report.warnings.map((warning) => warning.message).join()).toContain('mine too')
  })

  it('rejects its result though nobody listens to run:failed', async () => {
    const live = startPipeline({
      name: 'unheard',
      source: from(source(3)).pipe(() => Promise.reject(new Error('no'))),
      sink: memorySink<Numbered>(),
    })
    expect((await failure(live.result)).code).toBe('RECORD_REJECTED')
  })

  it('says what it does to a logger that has the four levels', async () => {
    const said: string[] = []
    const logger = {
      debug: () => {},
      info: (m: string) => said.push(`info ${m}`),
      warn: (m: string) => said.push(`warn ${m}`),
      error: (m: string) => said.push(`error ${m}`),
    }
    await runPipeline({ name: 'logged', source: source(3), sink: memorySink<Numbered>(), logger })
    await failure(
      runPipeline({
        name: 'failed',
        source: from(source(3)).pipe(() => Promise.reject(new Error('no'))),
        sink: memorySink<Numbered>(),
        logger,
      }),
    )
    expect(said.some((line) => line.startsWith('info logged: completed'))).toBe(true)
    expect(said.some((line) => line.startsWith('error failed: RECORD_REJECTED'))).toBe(true)
  })

  it('says what its sink has to say: warnings to all, without secrets, the rest to the logger', async () => {
    const inner = memorySink<Numbered>()
    const warning = { code: 'FIELD_LEFT_OUT', message: 'x of postgres://me:secret@there/db' } as const
    const said: string[] = []
    const live = startPipeline({
      name: 'speaking',
      source: source(3),
      sink: {
        ...inner,
        connect: (operation) => {
          operation.warn?.(warning)
          operation.info?.('by the way')
          return inner.connect(operation)
        },
      },
      logger: { ...console, info: (text: string) => said.push(text), warn: (text: string) => said.push(text) },
    })
    const heard: string[] = []
    live.events.on('run:warning', ({ code, message }) => void heard.push(`${code} ${message}`))
    const { warnings } = await live.result
    expect(heard).toEqual(['FIELD_LEFT_OUT x of postgres://***@there/db'])
    expect(warnings.map(({ code, message }) => `${code} ${message}`)).toEqual(heard)
    expect(said).toEqual(expect.arrayContaining(['speaking: by the way', expect.stringContaining('x of postgres')]))
  })

  it('takes pino and console as loggers', async () => {
    const lines: string[] = []
    const logger = pino({}, { write: (line: string) => void lines.push(line) })
    await runPipeline({ name: 'pino', source: source(3), sink: memorySink<Numbered>(), logger })
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
      expect.stringContaining('pino: completed'),
    ])
    const options: Parameters<typeof runPipeline<Numbered>>[0] = {
      name: 'console',
      source: source(3),
      sink: memorySink<Numbered>(),
      logger: console,
    }
    expect(options.logger).toBe(console)
  })

  it('runs partitions side by side and accounts for each', async () => {
    const into = memorySink<Numbered>()
    const report = await runPipeline({ name: 'parts', source: source(1000), sink: into, parallel: 4, batchSize: 50 })
    expect(report.partitions.length).toBeGreaterThan(1)
    expect(ids(into.store.rows).sort((a, b) => a - b)).toEqual(ids(numbers(1000)))
    const sum = report.partitions.reduce((read, partition) => read + (partition.counts as Counts).read, 0)
    expect(sum).toBe(1000)
  })
})

describe('options', () => {
  it('that do not exist are refused with the nearest names', async () => {
    const error = await failure(
      runPipeline({ name: 'x', source: source(1), sink: memorySink<Numbered>(), ...{ batchSiz: 1 } }),
    )
    expect(error).toMatchObject({ code: 'OPTION_INVALID' })
    expect(error.message).toContain('"batchSize"')
  })

  it('with impossible values are refused', async () => {
    for (const wrong of [
      { batchSize: 0 },
      { maxRejected: -1 },
      { again: 'never' },
      { leaseMs: 1 },
      { parallel: 1.5 },
      { name: '' },
    ]) {
      expect(
        (
          await failure(
            runPipeline({ name: 'x', source: source(1), sink: memorySink<Numbered>(), ...(wrong as object) }),
          )
        ).code,
      ).toBe('OPTION_INVALID')
    }
  })
})
