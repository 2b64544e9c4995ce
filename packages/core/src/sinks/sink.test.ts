import { describe, expect, it } from 'vitest'
import type { RecordKey } from '../contracts/page.js'
import type { Batch } from '../contracts/sink.js'
import type { Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import { recordId } from '../identity/record-id.js'
import { type SinkOptions, sink } from './sink.js'

const { signal } = new AbortController()

function batchOf(...pages: readonly (readonly number[])[]): Batch<Row> {
  const made = pages.map((ids) => ({
    count: ids.length,
    bytes: 1,
    cursor: null,
    rows: () => ids.map((id) => ({ id })),
    keys: () => ids.map(keyOf),
    slice: () => {
      throw new Error('A sink slices nothing.')
    },
  }))
  return {
    partition: { id: 'all', bounds: null },
    sequence: 1,
    async *[Symbol.asyncIterator]() {
      yield* made
    },
  }
}

function keyOf(id: number): RecordKey {
  return { source: [id], child: 0 }
}

async function writeWith(options: Partial<SinkOptions<Row>>, batch: Batch<Row> = batchOf([1])) {
  const made = sink({ name: 'api', guarantee: 'idempotent', write: async () => {}, ...options })
  await using session = await made.connect({ signal })
  return await session.write(batch, { signal })
}

/** What the engine sees when the function fails with `error`. */
async function seenOf(error: unknown, options: Partial<SinkOptions<Row>> = {}): Promise<DroverError> {
  const failing = writeWith({ ...options, write: () => Promise.reject(error) })
  const seen: unknown = await failing.catch((thrown: unknown) => thrown)
  if (DroverError.isInstance(seen)) return seen
  throw new Error('It threw no DroverError.')
}

describe('the function', () => {
  it('is given the records of the whole batch, with an id for each', async () => {
    const calls: unknown[] = []
    const outcome = await writeWith(
      { write: async (records, context) => void calls.push([records, context]) },
      batchOf([1, 2], [], [3]),
    )
    const ids = [1, 2, 3].map((id) => recordId(keyOf(id)))
    expect(calls).toEqual([[[{ id: 1 }, { id: 2 }, { id: 3 }], { ids, signal }]])
    expect(outcome).toEqual({ inserted: 3, updated: 0, skipped: 0 })
  })

  it('is not called for a batch without records', async () => {
    const write = () => Promise.reject(new Error('It was called.'))
    expect(await writeWith({ write }, batchOf([], []))).toEqual({ inserted: 0, updated: 0, skipped: 0 })
  })
})

describe('an error', () => {
  it.each(['ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'ECONNREFUSED', 'EAI_AGAIN'])(
    'of a connection (%s) may be tried again',
    async (code) => {
      const error = Object.assign(new Error('down'), { code })
      expect(await seenOf(error)).toMatchObject({ code: 'STORE_UNAVAILABLE', isRetryable: true, cause: error })
      expect((await seenOf(new TypeError('fetch failed', { cause: error }))).isRetryable).toBe(true)
    },
  )

  it('that says it may be tried again is believed, one that says it may not as well', async () => {
    expect((await seenOf(Object.assign(new Error('429'), { isRetryable: true }))).isRetryable).toBe(true)
    const refused = Object.assign(new Error('400'), { isRetryable: false, cause: { code: 'ECONNRESET' } })
    expect((await seenOf(refused)).isRetryable).toBe(false)
  })

  it('of any other kind ends the run, and says which sink it was, without secrets', async () => {
    const error = await seenOf(new Error('POST https://user:hunter2@host/index gave 400'))
    expect(error).toMatchObject({ code: 'UNEXPECTED', isRetryable: false })
    expect(error.message).toBe('The function of sink "api" failed: POST https://***@host/index gave 400')
    expect((await seenOf('a text')).message).toContain('a text')
  })

  it('is judged by the option, if there is one', async () => {
    const isRetryable = (error: unknown) => error instanceof Error && error.message === '503'
    expect((await seenOf(new Error('503'), { isRetryable })).isRetryable).toBe(true)
    expect((await seenOf(Object.assign(new Error(), { code: 'EPIPE' }), { isRetryable })).isRetryable).toBe(false)
  })

  it('keeps what it says of how long to wait', async () => {
    expect(await seenOf(Object.assign(new Error('429'), { isRetryable: true, retryAfterMs: 1500 }))).toMatchObject({
      retryAfterMs: 1500,
    })
  })

  it('of our own goes on as it is, with the row that it names', async () => {
    const refusal = new DroverError('RECORD_REFUSED', 'no', { row: 3 })
    expect(await seenOf(refusal)).toBe(refusal)
  })
})

it('says what the engine wants to know of it', () => {
  const write = async () => {}
  expect(sink({ name: 'a', guarantee: 'at-least-once', write })).toMatchObject({
    specVersion: 1,
    name: 'a',
    guarantee: 'at-least-once',
  })
  expect(sink({ name: 'a', version: '2', guarantee: 'idempotent', write, batchSize: 50, inFlight: 4 })).toMatchObject({
    version: '2',
    batchSize: 50,
    inFlight: 4,
  })
})

it.each<[object, RegExp]>([
  [{ batch: 1 }, /no option "batch"/],
  [{ name: '' }, /name is a text/],
  [{ guarantee: 'exactly-once' }, /guarantee is 'idempotent' or 'at-least-once'/],
  [{ write: undefined }, /write is a function/],
  [{ isRetryable: true }, /isRetryable is a function/],
  [{ batchSize: 0 }, /batchSize is a whole number/],
  [{ inFlight: 0.5 }, /inFlight is a whole number/],
])('refuses %o', (wrong, message) => {
  const options = { name: 'api', guarantee: 'idempotent', write: async () => {}, ...wrong }
  expect(() => sink(options as never)).toThrow(
    expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringMatching(message) }),
  )
})
