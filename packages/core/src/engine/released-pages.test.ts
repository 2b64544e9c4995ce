import { describe, expect, it } from 'vitest'
import type { Page } from '../contracts/page.js'
import type { ReadOptions } from '../contracts/source.js'
import { DroverError } from '../errors/drover-error.js'
import { from } from '../flow/flow.js'
import { memorySink } from '../memory/memory-sink.js'
import { runPipeline } from './run-pipeline.js'
import { ids, type Numbered, numbers, source, withReading, withSession } from './testing/rigs.js'

interface Watched {
  /** The most pages that held their rows at once. */
  most: number
  reads: number
}

/** Pages that forget their rows when they are told that they may. */
function forgetful(count: number, watched: Watched) {
  let holding = 0
  return withReading(source(count), (session) => ({
    async *read(options: ReadOptions) {
      watched.reads++
      for await (const page of session.read(options)) {
        let rows: readonly Numbered[] | undefined = page.rows()
        watched.most = Math.max(watched.most, ++holding)
        const forgetting: Page<Numbered> = {
          count: page.count,
          bytes: page.bytes,
          cursor: page.cursor,
          rows: () => rows ?? gone(),
          keys: () => (rows === undefined ? gone() : page.keys()),
          slice: (start, end) => (rows === undefined ? gone() : page.slice(start, end)),
          release: (isReread) => {
            if (rows === undefined || !isReread) return
            holding--
            rows = undefined
          },
        }
        yield forgetting
      }
    },
  }))
}

function gone(): never {
  throw new DroverError('PAGE_STALE', 'its rows are gone')
}

/** Takes rows as they come; `fail` ends a batch behind its last page. */
function takingOnce(takesPagesOnce: boolean, fail: (sequence: number, rows: readonly Numbered[]) => void = () => {}) {
  const store = memorySink<Numbered>()
  const sink = withSession(store, (session) => ({
    takesPagesOnce,
    write: async (batch, operation) => {
      const pages: Page<Numbered>[] = []
      for await (const page of batch) {
        const rows = page.rows()
        pages.push({ ...page, count: page.count, bytes: page.bytes, cursor: page.cursor, rows: () => rows })
      }
      fail(
        batch.sequence,
        pages.flatMap((page) => page.rows()),
      )
      const { partition, sequence } = batch
      await session.write(
        {
          partition,
          sequence,
          commit: (outcome) => batch.commit(outcome),
          async *[Symbol.asyncIterator]() {
            yield* pages
          },
        },
        operation,
      )
    },
  }))
  return { sink, rows: () => store.store.rows }
}

describe('pages that a sink takes once', () => {
  it('hold rows one after the other, not until the batch is durable', async () => {
    const watched = { most: 0, reads: 0 }
    const { sink, rows } = takingOnce(true)
    await runPipeline({ name: 'copy', source: forgetful(5_000, watched), sink, batchSize: 5_000 })
    expect(ids(rows())).toEqual(ids(numbers(5_000)))
    // The one in hand, and the one ahead.
    expect(watched.most).toBeLessThanOrEqual(2)
  })

  it('are read again where a batch has to be given again', async () => {
    const watched = { most: 0, reads: 0 }
    let failures = 0
    const { sink, rows } = takingOnce(true, (sequence) => {
      if (sequence === 2 && failures++ < 2) throw new DroverError('STORE_BUSY', 'not now', { isRetryable: true })
    })
    const report = await runPipeline({ name: 'copy', source: forgetful(6_000, watched), sink, batchSize: 2_000 })
    expect(report.counts).toMatchObject({ read: 6_000, inserted: 6_000 })
    expect(ids(rows())).toEqual(ids(numbers(6_000)))
    // From the beginning, the second batch as rows, and what is behind it.
    expect(watched.reads).toBe(3)
  })

  it('are read again to find the record that is refused', async () => {
    const { sink, rows } = takingOnce(true, (_, taken) => {
      if (taken.some(({ id }) => id === 1_234)) throw new DroverError('RECORD_REFUSED', 'one of these')
    })
    const rejected: unknown[] = []
    const report = await runPipeline({
      name: 'copy',
      source: forgetful(3_000, { most: 0, reads: 0 }),
      sink,
      batchSize: 1_500,
      maxRejected: 1,
      deadLetters: memorySink(),
      redact: (record) => {
        rejected.push(record.id)
        return record
      },
    })
    expect(report.counts).toMatchObject({ read: 3_000, inserted: 2_999, rejected: 1 })
    expect(rejected).toEqual([1_234])
    expect(ids(rows())).toEqual(ids(numbers(3_000).filter(({ id }) => id !== 1_234)))
  })

  it.each([
    ['a sink that does not say so', false, (r: Numbered) => r],
    ['steps, which are not to be run twice', true, (r: Numbered) => ({ ...r })],
  ])('keep their rows for %s', async (_, once, step) => {
    const watched = { most: 0, reads: 0 }
    const { sink } = takingOnce(once)
    const flow = forgetful(5_000, watched)
    await runPipeline({ name: 'copy', source: once ? from(flow).pipe(step) : flow, sink, batchSize: 5_000 })
    expect(watched.most).toBe(5)
  })
})
