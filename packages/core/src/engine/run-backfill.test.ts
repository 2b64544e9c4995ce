import { describe, expect, it } from 'vitest'
import type { Backfiller } from '../contracts/backfiller.js'
import { DroverError } from '../errors/drover-error.js'
import { memoryStateStore } from '../state/memory-state-store.js'
import { runBackfill, startBackfill } from './run-backfill.js'

interface Item {
  id: number
  tokens: number
}

/** A backfiller over an array, as one over a table is written: by keyset, a predicate, and no more than it is asked for. */
function tokensOf(items: Item[], overrides: Partial<Backfiller> = {}): Backfiller {
  const waiting = (): Item[] => items.filter((item) => item.tokens === 0)
  return {
    name: 'tokens',
    count: async () => ({ value: waiting().length, exact: true }),
    backfillBatch: async ({ after, limit }) => {
      const batch = waiting()
        .filter((item) => after === null || item.id > (after as number))
        .slice(0, limit)
      for (const item of batch) item.tokens = item.id
      return {
        scanned: batch.length,
        changed: batch.length,
        cursor: batch.at(-1)?.id ?? after,
        done: batch.length < limit,
      }
    },
    ...overrides,
  }
}

const items = (count: number): Item[] => Array.from({ length: count }, (_, i) => ({ id: i + 1, tokens: 0 }))

async function failure(work: Promise<unknown>): Promise<DroverError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!DroverError.isInstance(error)) throw new Error(`expected a DroverError, got ${String(error)}`)
  return error
}

describe('a backfill written by hand', () => {
  it('changes every record though records leave its predicate as they change', async () => {
    const all = items(12_456)
    const report = await runBackfill({ backfiller: tokensOf(all), state: memoryStateStore(), batchSize: 500 })
    expect(report).toMatchObject({ status: 'completed', counts: { read: 12_456, written: 12_456, updated: 12_456 } })
    expect(all.every((item) => item.tokens === item.id)).toBe(true)
  })

  it('finds nothing to change in a second pass, then exactly what is new', async () => {
    const all = items(100)
    const state = memoryStateStore()
    const run = () => runBackfill({ backfiller: tokensOf(all), state, batchSize: 30 })
    await run()
    expect((await run()).counts.updated).toBe(0)
    all.push({ id: 101, tokens: 0 }, { id: 102, tokens: 0 })
    expect((await run()).counts.updated).toBe(2)
  })

  it('goes on where it stopped', async () => {
    const all = items(100)
    const state = memoryStateStore()
    const first = await runBackfill({ backfiller: tokensOf(all), state, batchSize: 30, stopAfter: { records: 60 } })
    expect(first).toMatchObject({ status: 'stopped', counts: { read: 60 } })
    expect(await runBackfill({ backfiller: tokensOf(all), state, batchSize: 30 })).toMatchObject({
      status: 'completed',
      counts: { read: 100 },
    })
  })

  it('is set up before its first batch and torn down after its last, also when it fails', async () => {
    const seen: string[] = []
    const noted = tokensOf(items(10), {
      setup: async () => void seen.push('setup'),
      teardown: async () => void seen.push('teardown'),
      backfillBatch: async () => {
        seen.push('batch')
        throw new Error('no such column')
      },
    })
    const error = await failure(runBackfill({ backfiller: noted, state: memoryStateStore() }))
    expect(error.message).toContain('no such column')
    expect(seen).toEqual(['setup', 'batch', 'teardown'])
  })

  it('says that it is at least once with a state store elsewhere', async () => {
    expect((await runBackfill({ backfiller: tokensOf(items(1)), state: memoryStateStore() })).guarantee).toBe(
      'at-least-once',
    )
  })

  it('counts what is left on top of what is done', async () => {
    const all = items(100)
    const state = memoryStateStore()
    await runBackfill({ backfiller: tokensOf(all), state, batchSize: 30, stopAfter: { records: 60 } })
    const live = startBackfill({ backfiller: tokensOf(all), state, batchSize: 30 })
    const totals: (number | undefined)[] = []
    live.events.on('run:started', ({ total }) => totals.push(total))
    await live.result
    expect(totals).toEqual([100])
  })

  it('leaves out a record that fails, if it says how, and rejects it', async () => {
    const all = items(100)
    const poisoned = tokensOf(all, {
      backfillBatch: async (options) => {
        const { after, limit } = options
        const reach = all
          .filter((item) => item.tokens === 0 && item.id > ((after as number | null) ?? 0))
          .slice(0, limit)
        if (reach.some((item) => item.id === 42)) throw new Error('42 is broken')
        return tokensOf(all).backfillBatch(options)
      },
      skip: async ({ after }) => {
        const next = all.find((item) => item.tokens === 0 && item.id > ((after as number | null) ?? 0)) as Item
        return { key: [next.id], cursor: next.id }
      },
    })
    const report = await runBackfill({ backfiller: poisoned, state: memoryStateStore(), batchSize: 30, maxRejected: 1 })
    expect(report.counts).toMatchObject({ read: 100, written: 99, rejected: 1, updated: 99 })
    expect(report.rejected).toMatchObject([{ key: [42], code: 'UNEXPECTED' }])
    expect(all.filter((item) => item.tokens === 0).map((item) => item.id)).toEqual([42])
  })

  it('is stopped by a record that fails if it does not say how to leave it out', async () => {
    const error = await failure(
      runBackfill({
        backfiller: tokensOf(items(3), { backfillBatch: async () => Promise.reject(new Error('broken')) }),
        state: memoryStateStore(),
      }),
    )
    expect(error.message).toContain('broken')
  })

  it('is refused if it would never end, or looks at more than it was asked to', async () => {
    const wrong: Partial<Backfiller>[] = [
      { backfillBatch: async ({ after }) => ({ scanned: 0, changed: 0, cursor: after, done: false }) },
      { backfillBatch: async ({ limit }) => ({ scanned: limit + 1, changed: 0, cursor: 1, done: true }) },
      { backfillBatch: async () => ({ scanned: 1, changed: 2, cursor: 1, done: true }) },
    ]
    for (const overrides of wrong) {
      expect(
        (await failure(runBackfill({ backfiller: tokensOf(items(5), overrides), state: memoryStateStore() }))).code,
      ).toBe('CONTRACT_BROKEN')
    }
  })

  it('waits for those it depends on', async () => {
    const state = memoryStateStore()
    const second = { backfiller: tokensOf(items(5), { name: 'second' }), state, dependsOn: ['tokens'] }
    const error = await failure(runBackfill(second))
    expect(error).toMatchObject({ code: 'DEPENDENCY_UNFINISHED' })
    expect(error.message).toContain('tokens')
    await runBackfill({ backfiller: tokensOf(items(5)), state, stopAfter: { records: 1 }, batchSize: 1 })
    expect((await failure(runBackfill(second))).code).toBe('DEPENDENCY_UNFINISHED')
    await runBackfill({ backfiller: tokensOf(items(5)), state })
    expect((await runBackfill(second)).status).toBe('completed')
  })

  it('is refused without a name or a batch function', async () => {
    expect((await failure(runBackfill({ backfiller: { ...tokensOf([]), name: '' } }))).code).toBe('OPTION_INVALID')
    expect((await failure(runBackfill({ backfiller: { name: 'x' } as Backfiller }))).code).toBe('OPTION_INVALID')
  })
})
