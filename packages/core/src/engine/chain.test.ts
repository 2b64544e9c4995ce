import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { Row } from '../contracts/values.js'
import type { DroverError } from '../errors/drover-error.js'
import { type Flow, from } from '../flow/flow.js'
import { transformer } from '../flow/transformer-factory.js'
import { memorySource } from '../memory/memory-source.js'
import { Chain } from './chain.js'
import type { RecordPage } from './record-page.js'

const signal = new AbortController().signal
const context = { signal, runStartedAt: new Date(0) }
const count = 50

interface Item {
  readonly id: number
}

const items: Item[] = Array.from({ length: count }, (_, id) => ({ id }))
const start = () => from(memorySource({ records: items, key: 'id' }))

async function run(flow: Flow<object>): Promise<RecordPage> {
  const session = await flow.source.connect({ signal })
  for await (const page of session.read({
    signal,
    partition: { id: 'all', bounds: null },
    after: null,
    page: { records: count, bytes: 1e6 },
  })) {
    return new Chain(flow.steps, { maxRetries: 3 }).run(page, context)
  }
  throw new Error('no page')
}

const ids = (page: RecordPage): unknown[] => page.rows().map(({ id }) => id)
const codes = (page: RecordPage): string[] => page.rejects.map((reject) => (reject.error as DroverError).code)
const later = <T>(value: T): Promise<T> => new Promise((resolve) => setTimeout(resolve, Math.random() * 3, value))

describe('a chain', () => {
  it('keeps order, owners and keys through filters and fan-out, whether steps are sync or async', async () => {
    const shape = (flow: Flow<Item>, wait: <T>(value: T) => T | Promise<T>): Flow<object> =>
      flow
        .filter((r) => r.id % 5 !== 0)
        .pipe((r) => wait(r.id % 3 === 0 ? [{ id: r.id * 10 }, { id: r.id * 10 + 1 }] : { id: r.id * 10 }))
        .pipe((r) => wait(r.id % 7 === 0 ? null : r))
    const sync = await run(shape(start(), (value) => value))
    const async = await run(shape(start(), later))
    const expected = items
      .filter(({ id }) => id % 5 !== 0)
      .flatMap(({ id }) => (id % 3 === 0 ? [id * 10, id * 10 + 1] : [id * 10]))
      .filter((id) => id % 7 !== 0)
    expect(ids(sync)).toEqual(expected)
    expect(ids(async)).toEqual(expected)
    expect(async.keys()).toEqual(sync.keys())
    expect(sync.keys().map((key) => key.source[0])).toEqual(expected.map((id) => Math.floor(id / 10)))
  })

  it('goes over to async in the middle of a page without calling any step twice', async () => {
    const called: number[] = []
    const page = await run(
      start().pipe((r) => {
        called.push(r.id)
        return r.id < 20 ? r : Promise.resolve(r)
      }),
    )
    expect(called).toEqual(ids(page))
    expect(called).toHaveLength(count)
  })

  it('has as many async calls under way as concurrency says, and no more', async () => {
    let open = 0
    let most = 0
    const step = transformer({
      name: 'slow',
      concurrency: 5,
      transform: async (r: Item) => {
        most = Math.max(most, ++open)
        await later(0)
        open--
        return r
      },
    })
    expect(ids(await run(start().pipe(step)))).toEqual(ids(await run(start().pipe((r) => r))))
    expect(most).toBe(5)
  })

  it('rejects the record of a step that throws, sync or async, with the step and the cause', async () => {
    for (const fail of [
      () => Promise.reject(new Error('boom')),
      () => {
        throw new Error('boom')
      },
    ]) {
      const page = await run(
        start()
          .pipe((r) => (r.id === 7 ? fail() : r))
          .pipe((r) => r),
      )
      expect(page.rejects).toMatchObject([
        { record: 7, stage: 'transform', error: { code: 'TRANSFORM_FAILED', cause: { message: 'boom' } } },
      ])
      expect(ids(page)).toEqual(items.map((item) => item.id).filter((id) => id !== 7))
    }
  })

  it('rejects a record whose child fails, siblings and all', async () => {
    const page = await run(
      start()
        .pipe((r) => [
          { id: r.id, child: 0 },
          { id: r.id, child: 1 },
        ])
        .pipe((r) => {
          if (r.id === 9 && r.child === 1) throw new Error('second child')
          return r
        }),
    )
    expect(page.rejects.map((reject) => reject.record)).toEqual([9])
    expect(ids(page)).not.toContain(9)
    expect(page.rows()).toHaveLength((count - 1) * 2)
  })

  for (const [what, garbage] of [
    ['undefined', undefined],
    ['a number', 4],
    ['a text', 'x'],
    ['an array with null in it', [null]],
    ['an array of arrays', [[{}]]],
  ] as const) {
    it(`rejects ${what} as a result, from a sync and from an async step`, async () => {
      const wrong = (r: Item) => (r.id === 3 ? garbage : r) as unknown as Row
      expect(codes(await run(start().pipe(wrong)))).toEqual(['TRANSFORM_INVALID_RESULT'])
      expect(codes(await run(start().pipe(async (r) => wrong(r))))).toEqual(['TRANSFORM_INVALID_RESULT'])
    })
  }

  it('rejects what a filter says if it is neither true nor false', async () => {
    expect(codes(await run(start().filter((r) => (r.id === 3 ? ('yes' as never) : true))))).toEqual([
      'TRANSFORM_INVALID_RESULT',
    ])
  })

  it('gives up on a step that never answers', async () => {
    const stuck = transformer({
      name: 'stuck',
      timeoutMs: 20,
      transform: (r: Item) => (r.id === 4 ? new Promise<Item>(() => {}) : r),
    })
    const page = await run(start().pipe(stuck))
    expect(codes(page)).toEqual(['TRANSFORM_TIMEOUT'])
    expect(page.rejects[0]).toMatchObject({ record: 4 })
  })

  it('tries a step again after a transient error', async () => {
    let failures = 2
    const page = await run(
      start().pipe(async (r) => {
        if (r.id === 4 && failures-- > 0) throw Object.assign(new Error('busy'), { isRetryable: true })
        return r
      }),
    )
    expect(page.rejects).toEqual([])
    expect(page.rows()).toHaveLength(count)
  })

  it('validates with a schema, and rejects what does not fit', async () => {
    const page = await run(
      start().validate(
        z.object({
          id: z
            .number()
            .max(40)
            .transform((id) => id + 0.5),
        }),
      ),
    )
    expect(page.rows()[0]).toEqual({ id: 0.5 })
    expect(new Set(codes(page))).toEqual(new Set(['VALIDATION_FAILED']))
    expect(page.rejects).toHaveLength(9)
  })
})

describe('a step that takes many records', () => {
  const many = (transformBatch: (records: readonly Item[]) => readonly (Item | readonly Item[] | null)[]) =>
    start().pipe(transformer({ name: 'many', transformBatch }))

  it('answers for each record by its place', async () => {
    const page = await run(many((records) => records.map((r) => (r.id % 2 === 0 ? null : r.id % 3 === 0 ? [r, r] : r))))
    expect(ids(page)).toEqual(items.flatMap(({ id }) => (id % 2 === 0 ? [] : id % 3 === 0 ? [id, id] : [id])))
    expect(page.keys().map((key) => key.source[0])).toEqual(ids(page))
  })

  it('loses only the record it fails on, found by halves', async () => {
    let calls = 0
    const page = await run(
      many((records) => {
        calls++
        if (records.some((r) => r.id === 33)) throw new Error('33')
        return records.slice()
      }),
    )
    expect(page.rejects).toMatchObject([{ record: 33, error: { code: 'TRANSFORM_FAILED' } }])
    expect(ids(page)).toEqual(items.map(({ id }) => id).filter((id) => id !== 33))
    expect(calls).toBeLessThan(15)
  })

  it('is refused if it gives another number of results', async () => {
    expect(new Set(codes(await run(many((records) => records.slice(1)))))).toEqual(
      new Set(['TRANSFORM_INVALID_RESULT']),
    )
  })
})
