import { describe, expect, it } from 'vitest'
import type { Page } from '../contracts/page.js'
import { DroverError } from '../errors/drover-error.js'
import { from } from '../flow/flow.js'
import { transformer } from '../flow/transformer-factory.js'
import { memoryAckSink } from '../memory/memory-ack-sink.js'
import { memorySink } from '../memory/memory-sink.js'
import { memorySource } from '../memory/memory-source.js'
import { runPipeline, startPipeline } from './run-pipeline.js'
import { but, failure, ids, type Numbered, numbers, source, withReading, withSession } from './testing/rigs.js'

describe('the search for refused records', () => {
  it('finds the second row of a key, though each row alone is taken', async () => {
    const twins = new Map([
      [17, 3],
      [31, 3],
      [90, 60],
    ])
    const records = numbers(100).map(({ id }) => ({ id, k: twins.get(id) ?? id }))
    const into = memorySink<{ id: number; k: number }>({ key: 'k', onConflict: 'error', tellsRow: false })
    const letters = memoryAckSink()
    const report = await runPipeline({
      name: 'twins',
      source: memorySource({ records, key: 'id' }),
      sink: into,
      batchSize: 50,
      maxRejected: 3,
      deadLetters: letters,
    })
    expect(report.counts).toMatchObject({ read: 100, written: 97, rejected: 3 })
    expect(letters.store.rows.map((letter) => (letter as { key: number[] }).key)).toEqual([[17], [31], [90]])
  })

  it('blames no record where it is their number that the store refuses', async () => {
    const into = withSession(memorySink<Numbered>(), (session) => ({
      write: async (batch, operation) => {
        let rows = 0
        for await (const page of batch) rows += page.rows().length
        if (rows > 20) throw new DroverError('RECORD_REFUSED', 'too many rows at once')
        return session.write({ ...batch, [Symbol.asyncIterator]: async function* () {} }, operation)
      },
    }))
    const error = await failure(
      runPipeline({ name: 'many', source: source(100), sink: into, maxRejected: 100, deadLetters: memoryAckSink() }),
    )
    expect(error.code).toBe('RECORD_REFUSED')
    expect(error.message).toMatch(/many: sink memory takes each of 100 records alone.*too many rows at once/)
  })

  it('takes the store by its word where it names a row behind pages that lost some of their records', async () => {
    const letters = memoryAckSink()
    const into = memorySink<Numbered>({ refuse: ({ id }) => id === 3 || id === 2_201, tellsRow: true })
    const report = await runPipeline({
      name: 'named',
      source: from(source(3_000)).pipe((r) => (r.id % 2 === 0 ? null : r)),
      sink: into,
      batchSize: 3_000,
      maxRejected: 2,
      deadLetters: letters,
    })
    expect(report.counts).toMatchObject({ read: 3_000, filtered: 1_500, written: 1_498, rejected: 2 })
    expect(letters.store.rows).toMatchObject([
      { key: [3], row: { id: 3 } },
      { key: [2_201], row: { id: 2_201 } },
    ])
  })

  it('takes the store by its word where it names many at once, up to a row whose record has others too', async () => {
    interface Keyed extends Numbered {
      readonly k: number
    }
    let writes = 0
    /** Refuses the second row of a k. */
    const into = withSession(memorySink<Keyed>(), (session) => ({
      write: async (batch, operation) => {
        writes++
        const pages: Page<Keyed>[] = []
        for await (const page of batch) pages.push(page)
        const seen = new Set<number>()
        const refused = pages
          .flatMap((page) => page.rows())
          .flatMap(({ k }, row) => {
            if (seen.has(k)) return [new DroverError('RECORD_REFUSED', `${k} is there`, { row })]
            seen.add(k)
            return []
          })
        const [first, ...alsoRefused] = refused
        if (first !== undefined) throw new DroverError(first.code, first.message, { row: first.row ?? 0, alsoRefused })
        const again = async function* () {
          yield* pages
        }
        await session.write({ ...batch, [Symbol.asyncIterator]: again }, operation)
      },
    }))
    const run = async (name: string, step: (record: Numbered) => readonly Keyed[]) => {
      writes = 0
      const letters = memoryAckSink()
      const report = await runPipeline({
        name,
        source: from(source(3_000)).pipe(step),
        sink: into,
        batchSize: 3_000,
        maxRejected: 100,
        deadLetters: letters,
      })
      return { written: report.counts.written, letters: letters.store.rows, writes }
    }
    const refused = [2, 900, 901, 1_500, 3_000]
    const alone = await run('alone', ({ id }) => [{ id, k: refused.includes(id) ? 1 : id }])
    expect(alone).toMatchObject({ written: 2_995, writes: 2 })
    expect(alone.letters).toMatchObject(refused.map((id) => ({ key: [id], row: { id, k: 1 } })))
    // 20 is refused with both of its rows, so that 30 can have the k of one of these.
    const k = (id: number): number => ({ 10: 9, 20: 15, 30: 4_000, 40: 1 })[id] ?? id
    const family = await run('family', ({ id }) =>
      id === 20
        ? [
            { id, k: 4_000 },
            { id, k: k(id) },
          ]
        : [{ id, k: k(id) }],
    )
    expect(family.letters).toMatchObject([{ key: [10] }, { key: [20] }, { key: [40] }])
    expect(family).toMatchObject({ written: 2_997, writes: 3 })
  })

  it('tries the row first that a probe names, and believes it if it is refused alone', async () => {
    for (const wrong of [0, 1]) {
      let probes = 0
      const into = withSession(
        memorySink<Numbered>({ refuse: ({ id }) => id === 700, tellsRow: false }),
        (session) => ({
          write: async (batch, operation) => {
            if (operation.mode === 'probe') probes++
            try {
              await session.write(batch, operation)
            } catch (error) {
              const isNamed = operation.mode === 'probe' && DroverError.isInstance(error)
              throw isNamed ? new DroverError(error.code, error.message, { row: 699 - wrong }) : error
            }
          },
        }),
      )
      const letters = memoryAckSink()
      const report = await runPipeline({
        name: `guessed ${wrong}`,
        source: source(1_000),
        sink: into,
        batchSize: 1_000,
        maxRejected: 1,
        deadLetters: letters,
      })
      expect(report.counts).toMatchObject({ written: 999, rejected: 1 })
      expect(letters.store.rows).toMatchObject([{ key: [700] }])
      // All, the one alone, and all but that one; a wrong guess is followed by a search.
      if (wrong === 0) expect(probes).toBe(3)
      else expect(probes).toBeGreaterThan(10)
    }
  })

  it('ends where a batch is refused again and again, and no part of it when it is tried', async () => {
    const into = withSession(memorySink<Numbered>(), () => ({
      write: async (batch, { mode }) => {
        for await (const page of batch) page.rows()
        if (mode === 'commit') throw new DroverError('RECORD_REFUSED', 'not today')
      },
    }))
    const error = await failure(runPipeline({ name: 'moody', source: source(10), sink: into, maxRejected: 10 }))
    expect(error).toMatchObject({ code: 'RECORD_REFUSED', message: expect.stringContaining('not today') })
  })

  it.each(['commit', 'probe'] as const)(
    'goes on where a sink is prepared for what it meets only by then (%s)',
    async (when) => {
      let asked = 0
      const into = withSession(memorySink<Numbered>({ refuse: ({ id }) => id === 7, tellsRow: false }), (session) => ({
        write: async (batch, operation) => {
          if (operation.mode === when && asked++ < 3) throw new DroverError('BATCH_AGAIN', 'now it is ready')
          await session.write(batch, operation)
        },
      }))
      const retried: unknown[] = []
      const live = startPipeline({
        name: 'again',
        source: source(100),
        sink: into,
        maxRejected: 1,
        maxRetries: 0,
        deadLetters: memoryAckSink(),
      })
      live.events.on('batch:retried', (event) => void retried.push(event))
      expect((await live.result).counts).toMatchObject({ written: 99, rejected: 1 })
      expect(asked).toBeGreaterThan(3)
      expect(retried).toEqual([])
    },
  )

  it('costs the store a few writings of the batch, however many are refused', async () => {
    let probed = 0
    const into = withSession(
      memorySink<Numbered>({ refuse: ({ id }) => id % 400 === 7, tellsRow: false }),
      (session) => ({
        write: async (batch, operation) => {
          const counting = batch[Symbol.asyncIterator].bind(batch)
          const { partition, sequence } = batch
          async function* pages() {
            for await (const page of { [Symbol.asyncIterator]: counting }) {
              if (operation.mode === 'probe') probed += page.rows().length
              yield page
            }
          }
          const commit: typeof batch.commit = (outcome) => batch.commit(outcome)
          await session.write({ partition, sequence, commit, [Symbol.asyncIterator]: pages }, operation)
        },
      }),
    )
    const letters = memoryAckSink()
    const report = await runPipeline({
      name: 'many',
      source: source(20_000),
      sink: into,
      batchSize: 20_000,
      maxRejected: 50,
      deadLetters: letters,
    })
    expect(report.counts).toMatchObject({ written: 19_950, rejected: 50 })
    expect(probed).toBeLessThan(10 * 20_000)
  })

  it('finds all of them before the batch is written again', async () => {
    let writes = 0
    const poison = new Set([3, 40, 77])
    const into = withSession(
      memorySink<Numbered>({ refuse: ({ id }) => poison.has(id), tellsRow: false }),
      (session) => ({
        write: (batch, operation) => {
          if (operation.mode === 'commit') writes++
          return session.write(batch, operation)
        },
      }),
    )
    const letters = memoryAckSink()
    const report = await runPipeline({
      name: 'once',
      source: source(100),
      sink: into,
      batchSize: 1_000,
      maxRejected: 3,
      deadLetters: letters,
    })
    expect(report.counts).toMatchObject({ written: 97, rejected: 3 })
    expect(writes).toBe(2)
  })

  it('ends with what a probe fails with, where that is no refusal', async () => {
    const into = withSession(memorySink<Numbered>({ refuse: ({ id }) => id === 5, tellsRow: false }), (session) => ({
      write: async (batch, operation) => {
        if (operation.mode === 'probe') throw new DroverError('STORE_DENIED', 'no probes here')
        await session.write(batch, operation)
      },
    }))
    const error = await failure(runPipeline({ name: 'denied', source: source(10), sink: into, maxRejected: 10 }))
    expect(error).toMatchObject({ code: 'STORE_DENIED', message: expect.stringContaining('no probes here') })
  })

  it('ends with the first record that is one too many, however many follow', async () => {
    for (const tellsRow of [true, false]) {
      let writes = 0
      const into = withSession(memorySink<Numbered>({ refuse: () => true, tellsRow }), (session) => ({
        write: (batch, operation) => {
          writes++
          return session.write(batch, operation)
        },
      }))
      const error = await failure(runPipeline({ name: 'all', source: source(1_000), sink: into, batchSize: 1_000 }))
      expect(error).toMatchObject({ code: 'RECORD_REJECTED' })
      expect(writes).toBeLessThan(20)
    }
  })

  it('tells a probe that a record at its end is refused, behind records that steps rejected', async () => {
    const into = memorySink<Numbered>({ refuse: ({ id }) => id === 99, tellsRow: false, deferred: true })
    const flow = from(source(100)).pipe((r) => {
      if (r.id % 40 === 0) throw new Error('forty')
      return r.id % 2 === 0 ? [r, { ...r }] : r
    })
    const report = await runPipeline({
      name: 'mixed',
      source: flow,
      sink: into,
      maxRejected: 3,
      deadLetters: memoryAckSink(),
    })
    expect(report.counts).toMatchObject({ read: 100, rejected: 3, written: 97 })
    expect(into.store.rows).toHaveLength(97 + 48)
  })
})

describe('maxRejected', () => {
  it('is one limit for all partitions, also where they reach it together', async () => {
    const into = memorySink<Numbered>({ refuse: ({ id }) => id % 100 === 50 })
    const error = await failure(
      runPipeline({
        name: 'together',
        source: memorySource({ records: numbers(400), key: 'id', partitions: 4 }),
        sink: into,
        parallel: 4,
        maxRejected: 2,
        deadLetters: memoryAckSink(),
      }),
    )
    expect(error).toMatchObject({ code: 'RECORD_REJECTED' })
    expect(into.store.positions.reduce((sum, { counts }) => sum + counts.rejected, 0)).toBe(2)
  })

  it('is not used up twice by what was committed', async () => {
    const into = memorySink<Numbered>({ refuse: ({ id }) => id % 100 === 50 })
    const source = memorySource({ records: numbers(400), key: 'id', partitions: 4 })
    const more = { batchSize: 10, maxRejected: 4, deadLetters: memoryAckSink() }
    const report = await runPipeline({ name: 'enough', source, sink: into, parallel: 2, ...more })
    expect(report).toMatchObject({ status: 'completed', counts: { rejected: 4 } })
  })

  it('counts what earlier attempts rejected', async () => {
    const into = memorySink<Numbered>({ refuse: ({ id }) => id === 5 || id === 25 })
    const run = (more: object) =>
      runPipeline({ name: 'again', source: source(40), sink: into, batchSize: 10, maxRejected: 1, ...more })
    const letters = { deadLetters: memoryAckSink() }
    await run({ ...letters, stopAfter: { records: 20 } })
    expect(await failure(run(letters))).toMatchObject({ code: 'RECORD_REJECTED' })
    expect(ids(into.store.rows)).toHaveLength(19)
  })

  it('ends a page as soon as its steps have rejected one too many', async () => {
    let calls = 0
    const stuck = transformer({
      name: 'stuck',
      timeoutMs: 20,
      transform: (_: Numbered) => {
        calls++
        return new Promise<Numbered>(() => {})
      },
    })
    const error = await failure(
      runPipeline({ name: 'stuck', source: from(source(1_000)).pipe(stuck), sink: memorySink<Numbered>() }),
    )
    expect(error).toMatchObject({ code: 'RECORD_REJECTED' })
    expect(error.message).toContain('stuck did not answer within 20 ms')
    expect(calls).toBeLessThan(30)
  })

  it('counts records that could not be read among them, while the steps still work on their page', async () => {
    let calls = 0
    const stuck = transformer({
      name: 'stuck',
      timeoutMs: 20,
      concurrency: 1,
      transform: (_: Numbered) => {
        calls++
        return new Promise<Numbered>(() => {})
      },
    })
    const records = ['neither' as never, ...numbers(100)]
    const flow = from(memorySource<Numbered>({ records, key: 'id' })).pipe(stuck)
    const error = await failure(
      runPipeline({ name: 'stuck', source: flow, sink: memorySink<Numbered>(), maxRejected: 1 }),
    )
    expect(error).toMatchObject({ code: 'RECORD_REJECTED', message: expect.stringContaining('2 records') })
    expect(calls).toBe(1)
  })

  it('refuses a page that holds fewer records than it says', async () => {
    const short = withReading(source(10), (session) => ({
      read: async function* (options) {
        for await (const page of session.read(options)) yield but(page, { rows: () => page.rows().slice(1) })
      },
    }))
    const error = await failure(
      runPipeline({ name: 'short', source: from(short).pipe((r) => r), sink: memorySink<Numbered>() }),
    )
    expect(error).toMatchObject({ code: 'CONTRACT_BROKEN', message: expect.stringContaining('9 rows for 10 records') })
  })

  it('keeps a letter for each record that has no key', async () => {
    const letters = memoryAckSink()
    const records = [{ id: 1 }, 'neither' as never, 'nor' as never, { id: 2 }]
    const report = await runPipeline({
      name: 'keyless',
      source: memorySource({ records, key: 'id' }),
      sink: memorySink(),
      maxRejected: 2,
      deadLetters: letters,
    })
    expect(report.counts).toMatchObject({ read: 4, written: 2, rejected: 2 })
    expect(letters.store.rows).toHaveLength(2)
  })
})
