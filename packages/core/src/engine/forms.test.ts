import { describe, expect, it } from 'vitest'
import type { Page } from '../contracts/page.js'
import type { ReadOptions } from '../contracts/source.js'
import { DroverError } from '../errors/drover-error.js'
import { from } from '../flow/flow.js'
import { memorySink } from '../memory/memory-sink.js'
import { runPipeline } from './run-pipeline.js'
import { failure, ids, type Numbered, numbers, source, withReading, withSession } from './testing/rigs.js'

const stale = (): never => {
  throw new DroverError('PAGE_STALE', 'it has no rows')
}

/** What a bare page stands for: the sink finds it there without asking the page. */
const behind = new WeakMap<object, readonly Numbered[]>()

/** Gives pages without rows to whoever takes the form `bare`. */
function barePages(count: number, asked: (readonly string[] | undefined)[]) {
  return withReading(source(count), (session) => ({
    async *read(options: ReadOptions) {
      asked.push(options.forms)
      for await (const page of session.read(options)) {
        const bare: Page<Numbered> = { ...page, count: page.count, rows: stale, keys: stale, slice: stale }
        behind.set(bare, page.rows())
        yield options.forms?.includes('bare') === true ? bare : page
      }
    },
  }))
}

/** Takes bare pages, but for one batch. */
function takingBare(refused: number | 'every') {
  const store = memorySink<Numbered>()
  const bare: number[] = []
  const sink = withSession(store, (session) => ({
    forms: ['bare'],
    write: async (batch, operation) => {
      let isBare = false
      const copy = { partition: batch.partition, sequence: batch.sequence, commit: batch.commit.bind(batch) }
      const pages: Page<Numbered>[] = []
      for await (const page of batch) {
        pages.push(page)
        isBare ||= page.rows === stale
      }
      if (isBare && (refused === 'every' || batch.sequence === refused)) stale()
      if (isBare) bare.push(batch.sequence)
      const rows = pages.map((page) => {
        const hidden = behind.get(page)
        return hidden === undefined ? page : { ...page, count: page.count, rows: () => hidden }
      })
      await session.write(
        {
          ...copy,
          async *[Symbol.asyncIterator]() {
            yield* rows
          },
        },
        operation,
      )
    },
  }))
  return { sink, store, bare }
}

describe('forms of pages that a sink takes as they are', () => {
  it('are asked for, and a batch comes again as rows where they do not do', async () => {
    const asked: (readonly string[] | undefined)[] = []
    const { sink, store, bare } = takingBare(3)
    const report = await runPipeline({ name: 'copy', source: barePages(5_000, asked), sink, batchSize: 1_000 })
    expect(report.counts).toMatchObject({ read: 5_000, written: 5_000, inserted: 5_000, rejected: 0 })
    expect(ids(store.store.rows)).toEqual(ids(numbers(5_000)))
    expect(bare).toEqual([1, 2, 4, 5])
    expect(asked).toEqual([['bare'], [], ['bare']])
  })

  it('are not asked for behind a step', async () => {
    const asked: (readonly string[] | undefined)[] = []
    const { sink, bare } = takingBare(3)
    const flow = from(barePages(2_000, asked)).pipe((r) => r)
    await runPipeline({ name: 'copy', source: flow, sink, batchSize: 1_000 })
    expect(bare).toEqual([])
    expect(asked).toEqual([undefined])
  })

  it('do not let a batch that was read twice count twice against a budget', async () => {
    const { sink, store } = takingBare(2)
    const report = await runPipeline({
      name: 'copy',
      source: barePages(5_000, []),
      sink,
      batchSize: 1_000,
      stopAfter: { records: 4_000 },
    })
    expect(report).toMatchObject({ status: 'stopped', counts: { read: 4_000 } })
    expect(store.store.rows).toHaveLength(4_000)
  })

  it('are a broken promise of a source that has no rows though it was asked for them', async () => {
    const { sink, store } = takingBare('every')
    const never = withReading(source(10), (session) => ({
      async *read(options: ReadOptions) {
        for await (const page of session.read(options)) {
          yield { ...page, count: page.count, rows: stale, keys: stale, slice: stale }
        }
      },
    }))
    expect((await failure(runPipeline({ name: 'copy', source: never, sink }))).code).toBe('PAGE_STALE')
    expect(store.store.rows).toEqual([])
  })
})
