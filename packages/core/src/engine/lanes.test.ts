import { describe, expect, it } from 'vitest'
import type { Position } from '../contracts/position.js'
import type { ExactSink } from '../contracts/sink.js'
import { DroverError } from '../errors/drover-error.js'
import { memoryAckSink } from '../memory/memory-ack-sink.js'
import { memorySink } from '../memory/memory-sink.js'
import { memorySource } from '../memory/memory-source.js'
import { sink } from '../sinks/sink.js'
import { memoryStateStore } from '../state/memory-state-store.js'
import { runPipeline, startPipeline } from './run-pipeline.js'
import {
  but,
  failure,
  ids,
  type Numbered,
  numbers,
  source,
  transient,
  withReading,
  withSession,
} from './testing/rigs.js'

const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('an exact lane', () => {
  it('commits under the fence of its lease, though the sink tells of an older one', async () => {
    const fences: number[] = []
    const into = memorySink<Numbered>()
    const telling = withSession(into, (session) => ({
      claim: async (claim, operation) => {
        const position = await session.claim(claim, operation)
        return position === null ? null : { ...position, fence: 0 }
      },
      write: (batch, operation) =>
        session.write(
          {
            partition: batch.partition,
            sequence: batch.sequence,
            [Symbol.asyncIterator]: () => batch[Symbol.asyncIterator](),
            commit: async (outcome) => {
              const commit: Position = await batch.commit(outcome)
              fences.push(commit.fence)
              return commit
            },
          },
          operation,
        ),
    }))
    const run = (more: object) => runPipeline({ name: 'x', source: source(40), sink: telling, batchSize: 10, ...more })
    await run({ stopAfter: { records: 20 } })
    await run({})
    expect(fences).toEqual([1, 1, 2, 2])
  })

  it('knows where it ended, though its last batch was empty', async () => {
    const records = numbers(20)
    const lateEnd = withReading(memorySource({ records, key: 'id' }), (session) => ({
      read: async function* (options) {
        yield* session.read(options)
        await later(20)
      },
    }))
    const into = memorySink<Numbered>()
    const read: number[] = []
    const run = async () => {
      const live = startPipeline({ name: 'x', source: lateEnd, sink: into, batchSize: 10, again: 'incremental' })
      live.events.on('batch:committed', ({ batch }) => read.push(batch.read))
      await live.result
    }
    await run()
    expect(read).toEqual([10, 10, 0])
    records.push({ id: 21 })
    await run()
    expect(ids(into.store.rows)).toEqual(ids(numbers(21)))
  })

  it('asks where it stands only after a write that may have succeeded', async () => {
    const seen: string[] = []
    const inner = memorySink<Numbered>()
    let writes = 0
    const into = withSession(inner, (session) => ({
      claim: (claim, operation) => {
        seen.push('claim')
        return session.claim(claim, operation)
      },
      write: async (batch) => {
        writes++
        seen.push('write')
        for await (const page of batch) page.rows()
        if (writes === 1) await batch.commit({ inserted: 10, updated: 0, skipped: 0 })
        if (writes < 3) throw transient()
        await batch.commit({ inserted: 10, updated: 0, skipped: 0 })
      },
    }))
    await runPipeline({ name: 'x', source: source(10), sink: into, stopAfter: { records: 10 } })
    // The first write had called commit; the second had not.
    expect(seen.slice(0, 5)).toEqual(['claim', 'write', 'claim', 'write', 'write'])
  })
})

describe('a store that loses batches which it had confirmed', () => {
  /** Keeps batches with their positions, as a log that is replayed after a restart; `lose` cuts its end off. */
  const forgetful = (lose: (batches: number) => { readonly keeps: number; readonly fails: Error } | undefined) => {
    const log: { readonly rows: readonly Numbered[]; readonly position: Position }[] = []
    const into: ExactSink<Numbered> = {
      specVersion: 1,
      name: 'cache',
      guarantee: 'exactly-once',
      connect: async () => ({
        claim: async () => log.at(-1)?.position ?? null,
        write: async (batch) => {
          const rows: Numbered[] = []
          for await (const page of batch) rows.push(...page.rows())
          const position = await batch.commit({ inserted: rows.length, updated: 0, skipped: 0 })
          const losing = lose(log.length)
          if (losing !== undefined) {
            log.length = losing.keeps
            throw losing.fails
          }
          if (position.sequence !== (log.at(-1)?.position.sequence ?? 0) + 1)
            throw new DroverError('FENCED', 'The sequence has moved.')
          log.push({ rows, position })
        },
        [Symbol.asyncDispose]: async () => {},
      }),
    }
    return { into, rows: () => log.flatMap(({ rows }) => rows), log }
  }

  it.each([
    ['some', 2, transient()],
    ['all', 0, transient()],
    ['some, which its check of the sequence shows', 2, new DroverError('FENCED', 'The sequence has moved.')],
  ])('gets them again, and the run says so: %s', async (_, keeps, fails) => {
    let lost = 0
    const { into, rows } = forgetful((batches) => (batches === 5 && lost++ === 0 ? { keeps, fails } : undefined))
    const report = await runPipeline({
      name: 'x',
      source: source(95),
      sink: into,
      batchSize: 10,
      state: memoryStateStore(),
    })
    expect(ids(rows())).toEqual(ids(numbers(95)))
    expect(report.counts).toMatchObject({ read: 95, written: 95, inserted: 95 })
    expect(report.warnings).toEqual([
      {
        code: 'STORE_WENT_BACK',
        message: expect.stringContaining(
          `stands at batch ${keeps} of partition "all" again, though it had confirmed batch 5`,
        ),
      },
    ])
  })

  it('gets nothing more from a run that it lost too, so that the next one finds what belongs together', async () => {
    let lost = 0
    const { into, log } = forgetful((batches) =>
      batches === 5 && lost++ === 0 ? { keeps: 0, fails: transient() } : undefined,
    )
    const state = memoryStateStore()
    const forgets = but(state, {
      heartbeat: async (lease, options) => {
        if (lost === 1) throw new DroverError('LEASE_LOST', 'There is no such run.')
        return await state.heartbeat(lease, options)
      },
    })
    const options = { name: 'x', source: source(95), sink: into, batchSize: 10 }
    expect((await failure(runPipeline({ ...options, state: forgets }))).code).toBe('LEASE_LOST')
    expect(log).toEqual([])
    const report = await runPipeline({ ...options, state: memoryStateStore() })
    expect(report.counts.inserted).toBe(95)
  })

  it.each([0, 3])('claims again where only its claim is lost, behind batch %d', async (behind) => {
    const { into, rows } = forgetful(() => undefined)
    let claims = 0
    let lost = 0
    const claiming: ExactSink<Numbered> = {
      ...into,
      async connect(operation) {
        const session = await into.connect(operation)
        return {
          ...session,
          async claim(claim, operation) {
            claims++
            return await session.claim(claim, operation)
          },
          async write(batch, operation) {
            if (operation.mode === 'commit' && rows().length === behind * 10 && claims === 1) {
              lost++
              throw new DroverError('FENCED', 'Nobody has claimed it.')
            }
            await session.write(batch, operation)
          },
        }
      },
    }
    const options = { name: 'x', source: source(95), sink: claiming, batchSize: 10, state: memoryStateStore() }
    const report = await runPipeline(options)
    expect(ids(rows())).toEqual(ids(numbers(95)))
    expect([claims, lost, report.counts.written, report.warnings]).toEqual([2, 1, 95, []])
  })

  it('stays refused where somebody else has gone on under the same number', async () => {
    const { into, log } = forgetful((batches) => {
      if (batches !== 5) return undefined
      const other = log[4] as (typeof log)[number]
      log.push({ rows: [], position: { ...other.position, sequence: 6, cursor: 'elsewhere' } })
      return { keeps: 6, fails: new DroverError('FENCED', 'The sequence has moved.') }
    })
    const options = { name: 'x', source: source(95), sink: into, batchSize: 10, state: memoryStateStore() }
    expect((await failure(runPipeline(options))).code).toBe('FENCED')
    expect(log).toHaveLength(6)
  })
})

describe('an acknowledging lane', () => {
  const failingFirst = (inFlight: number) => {
    const seen = { begun: 0, open: 0, openWhenClosed: -1 }
    const inner = sink<Numbered>({
      name: 'index',
      guarantee: 'idempotent',
      inFlight,
      batchSize: 10,
      write: async (records) => {
        seen.begun++
        seen.open++
        await later(records[0]?.id === 1 ? 10 : 60)
        seen.open--
        if (records[0]?.id === 1) throw new Error('the first one fails')
      },
    })
    const into = but(inner, {
      connect: async (operation) =>
        but(await inner.connect(operation), {
          [Symbol.asyncDispose]: async () => {
            seen.openWhenClosed = seen.open
          },
        }),
    })
    return { seen, into }
  }

  it('closes the sink only behind the last write that is under way', async () => {
    const { seen, into } = failingFirst(3)
    await failure(runPipeline({ name: 'x', source: source(1_000), sink: into, state: memoryStateStore() }))
    expect(seen).toMatchObject({ openWhenClosed: 0 })
  })

  it('opens no more batches once one of them has failed', async () => {
    const { seen, into } = failingFirst(3)
    await failure(runPipeline({ name: 'x', source: source(1_000), sink: into, state: memoryStateStore() }))
    expect(seen.begun).toBeLessThanOrEqual(4)
  })

  it('shares its bytes among the batches that are open', async () => {
    const text = 'x'.repeat(10_000)
    let open = 0
    let most = 0
    const into = sink<Numbered>({
      name: 'index',
      guarantee: 'idempotent',
      inFlight: 8,
      write: async (records) => {
        open += records.length
        most = Math.max(most, open)
        await later(10)
        open -= records.length
      },
    })
    const records = Array.from({ length: 2_000 }, (_, id) => ({ id, text }))
    await runPipeline({
      name: 'x',
      source: memorySource({ records, key: 'id' }),
      sink: into,
      state: memoryStateStore(),
      maxInFlightBytes: 4_000_000,
    })
    expect(most * 10_000).toBeLessThan(4_000_000)
    expect(most * 10_000).toBeGreaterThan(1_000_000)
  })

  it('counts what the sink holds back, and what is read ahead', async () => {
    for (const held of [0, 3_000_000]) {
      const into = memorySink<Numbered>()
      const holding = withSession(into, () => ({ heldBytes: () => held }))
      const pages: number[] = []
      const reading = withReading(source(20_000), (session) => ({
        async *read(options) {
          for await (const page of session.read(options)) yield but(page, { bytes: 400_000 })
        },
      }))
      const sizes = withSession(holding, (session) => ({
        write: async (batch, operation) => {
          let count = 0
          const pagesOf = async function* () {
            for await (const page of batch) {
              count++
              await new Promise((resolve) => setImmediate(resolve)) // until the next page is read ahead
              yield page
            }
          }
          await session.write({ ...batch, [Symbol.asyncIterator]: pagesOf }, operation)
          pages.push(count)
        },
      }))
      await runPipeline({
        name: 'x',
        source: reading,
        sink: sizes,
        batchSize: 20_000,
        maxInFlightBytes: 4_000_000,
      })
      // Half of it for the batch, and the page read ahead counts: four pages and one; or, where the sink is full, one.
      expect(Math.max(...pages)).toBe(held === 0 ? 4 : 1)
    }
  })

  it('makes dead letters durable before the position that leaves their records out', async () => {
    const order: string[] = []
    const inner = memoryStateStore()
    const state = but(inner, {
      commit: async (commit, operation) => {
        order.push('position')
        return inner.commit(commit, operation)
      },
    })
    const letters = sink({
      name: 'letters',
      guarantee: 'idempotent',
      write: async () => {
        await later(20)
        order.push('letter')
      },
    })
    await runPipeline({
      name: 'x',
      source: source(10),
      sink: memoryAckSink<Numbered>({ refuse: ({ id }) => id === 5 }),
      state,
      maxRejected: 1,
      deadLetters: letters,
    })
    expect(order[0]).toBe('letter')
    expect(order).toContain('position')
  })

  it('tries again, and says so, when the dead letters cannot be opened for the moment', async () => {
    const letters = memoryAckSink()
    let connects = 0
    const stumbling = but(letters, {
      connect: async (operation) => {
        if (++connects === 1) throw transient()
        return letters.connect(operation)
      },
    })
    const report = await runPipeline({
      name: 'x',
      source: source(10),
      sink: memoryAckSink<Numbered>({ refuse: ({ id }) => id === 5 }),
      state: memoryStateStore(),
      maxRejected: 1,
      deadLetters: stumbling,
    })
    expect(report).toMatchObject({ status: 'completed', attempt: { retries: 1 } })
    expect(letters.store.rows).toHaveLength(1)
  })

  it('looks whether a commit went through before it commits again', async () => {
    const inner = memoryStateStore()
    let commits = 0
    const state = but(inner, {
      commit: async (commit, operation) => {
        await inner.commit(commit, operation)
        if (++commits === 1) throw transient('done, and the answer lost')
      },
    })
    const into = memoryAckSink<Numbered>()
    const report = await runPipeline({ name: 'x', source: source(30), sink: into, state, batchSize: 10 })
    expect(report).toMatchObject({ status: 'completed', counts: { read: 30 }, attempt: { retries: 1 } })
    expect(ids(into.store.rows)).toEqual(ids(numbers(30)))
  })
})
