import { DroverError } from '@drover/core'
import { describe, expect, it } from 'vitest'
import type { Embedder, EmbeddingOptions } from './embedder.js'
import { Embeddings } from './embeddings.js'
import { vectorOf } from './testing/embedding-server.js'

const { signal } = new AbortController()
const texts = (count: number, prefix = 'x') => Array.from({ length: count }, (_, i) => `${prefix}${'y'.repeat(i)}`)
const expected = (of: readonly string[]) => of.map((text) => Float32Array.from(vectorOf(text)))

function embeddings(embed: Embedder, options: EmbeddingOptions = {}, check = (_: number): void => {}): Embeddings {
  return new Embeddings('here', embed, check, options)
}

/** Notes what it is asked for. */
function noting(
  answer: (texts: readonly string[], call: number) => unknown = (some) => some.map((one) => vectorOf(one)),
) {
  const calls: (readonly string[])[] = []
  const embed: Embedder = async (some) => {
    calls.push(some)
    return (await answer(some, calls.length)) as number[][]
  }
  return { embed, calls }
}

const failure = (call: Promise<unknown>) => call.catch((error: unknown) => error)

describe('embeddings', () => {
  it('asks in batches of so many texts and characters, and a longer text alone', async () => {
    const { embed, calls } = noting()
    const some = ['a', 'b', 'c', 'dddd', 'e'.repeat(30), 'ff']
    expect(await embeddings(embed, { batchSize: 2, batchCharacters: 5 }).vectorsOf(some, signal)).toEqual(
      expected(some),
    )
    expect(calls).toEqual([['a', 'b'], ['c', 'dddd'], ['e'.repeat(30)], ['ff']])
  })

  it('sends a text once, though it comes again in the same batch and later', async () => {
    const { embed, calls } = noting()
    const run = embeddings(embed)
    expect(await run.vectorsOf(['a', 'bb', 'a'], signal)).toEqual(expected(['a', 'bb', 'a']))
    expect(await run.vectorsOf(['bb', 'ccc'], signal)).toEqual(expected(['bb', 'ccc']))
    expect(calls).toEqual([['a', 'bb'], ['ccc']])
    expect(run.figures).toEqual({ embedded: 3, embeddedBefore: 2, embedCalls: 2, embedRetries: 0 })
  })

  it('forgets what was not asked for longest when its memory is full', async () => {
    const { embed, calls } = noting()
    const run = embeddings(embed, { cacheBytes: 2 * 170 })
    await run.vectorsOf(['a'], signal)
    await run.vectorsOf(['bb'], signal)
    await run.vectorsOf(['a'], signal)
    await run.vectorsOf(['ccc'], signal)
    await run.vectorsOf(['a', 'bb'], signal)
    expect(calls).toEqual([['a'], ['bb'], ['ccc'], ['bb']])
  })

  it('has no more calls under way than it may', async () => {
    let [open, most] = [0, 0]
    const { embed } = noting(async (some) => {
      most = Math.max(most, ++open)
      await new Promise(setImmediate)
      open--
      return some.map((one) => vectorOf(one))
    })
    const some = texts(20)
    const run = embeddings(embed, { batchSize: 2, concurrency: 3 })
    expect(await run.vectorsOf(some, signal)).toEqual(expected(some))
    expect(most).toBe(3)
  })

  it('begins no more calls in a second than it may', async () => {
    const begun: number[] = []
    const { embed } = noting((some) => {
      begun.push(performance.now())
      return some.map((one) => vectorOf(one))
    })
    await embeddings(embed, { batchSize: 1, requestsPerSecond: 50 }).vectorsOf(texts(5), signal)
    // Timers of Node may be early by a millisecond.
    expect((begun.at(-1) as number) - (begun[0] as number)).toBeGreaterThan(4 * 20 - 5)
  })

  it('asks again when it may succeed later, after the wait that is asked for', async () => {
    const { embed, calls } = noting((some, call) => {
      if (call === 1) throw new DroverError('STORE_BUSY', 'too often', { isRetryable: true, retryAfterMs: 30 })
      if (call === 2) throw Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNRESET' } })
      return some.map((one) => vectorOf(one))
    })
    const begun = performance.now()
    const run = embeddings(embed)
    expect(await run.vectorsOf(['a'], signal)).toEqual(expected(['a']))
    expect(calls).toHaveLength(3)
    expect(run.figures.embedRetries).toBe(2)
    expect(performance.now() - begun).toBeGreaterThan(25)
  })

  it('gives up after so many attempts', async () => {
    const { embed, calls } = noting(() => {
      throw new DroverError('STORE_UNAVAILABLE', 'down', { isRetryable: true })
    })
    const error = await failure(embeddings(embed, { maxRetries: 1 }).vectorsOf(['a'], signal))
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', isRetryable: true })
    expect(calls).toHaveLength(2)
  })

  it('does not wait for one that does not answer in time, nor for ever', async () => {
    const { embed } = noting((some, call) => (call === 1 ? new Promise(() => {}) : some.map((one) => vectorOf(one))))
    expect(await embeddings(embed, { timeoutMs: 20 }).vectorsOf(['a'], signal)).toEqual(expected(['a']))
    const never = embeddings(() => new Promise(() => {}), { timeoutMs: 10, maxRetries: 0 })
    expect(await failure(never.vectorsOf(['a'], signal))).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      isRetryable: true,
      message: expect.stringContaining('did not answer within 10 ms'),
    })
  })

  it('finds the texts that are refused, and embeds the others', async () => {
    const { embed, calls } = noting((some) => {
      if (some.some((one) => one.endsWith('!'))) throw new DroverError('RECORD_REFUSED', 'no such text')
      return some.map((one) => vectorOf(one))
    })
    const some = [...texts(30), 'b!', 'z'.repeat(40)]
    const answers = await embeddings(embed).vectorsOf(some, signal)
    expect(answers.map((one) => (one instanceof DroverError ? one.code : one))).toEqual(
      some.map((one) => (one.endsWith('!') ? 'RECORD_REFUSED' : Float32Array.from(vectorOf(one)))),
    )
    expect(calls.length).toBeLessThan(12)
  })

  it.each([
    ['too few vectors', () => [[1]], 'CONTRACT_BROKEN'],
    ['something else than a list', () => ({ data: [] }), 'CONTRACT_BROKEN'],
    ['a vector of texts', () => [['1'], ['2']], 'CONTRACT_BROKEN'],
    ['a vector without numbers', () => [[], []], 'CONTRACT_BROKEN'],
    ['a number that is none', () => [[Number.NaN], [1]], 'CONTRACT_BROKEN'],
    ['a number beyond float32', () => [[1e39], [1]], 'CONTRACT_BROKEN'],
    ['vectors of two sizes', () => [[1], [1, 2]], 'CONTRACT_BROKEN'],
    [
      'an error of its own',
      () => {
        throw new Error('key=sk-secret went wrong, api_key=abc')
      },
      'UNEXPECTED',
    ],
  ])('refuses %s at once', async (_, answer, code) => {
    const { embed, calls } = noting(answer)
    const error = await failure(embeddings(embed).vectorsOf(['a', 'b'], signal))
    expect(error).toMatchObject({ code, isRetryable: false })
    expect((error as Error).message).not.toContain('abc')
    expect(calls).toHaveLength(1)
  })

  it('lets a size be refused before anything is used', async () => {
    const run = embeddings(noting().embed, {}, (size) => {
      throw new DroverError('SINK_NOT_READY', `not ${size}`)
    })
    expect(await failure(run.vectorsOf(['a'], signal))).toMatchObject({ code: 'SINK_NOT_READY', message: 'not 4' })
  })

  it('leaves nothing under way when one call fails for good', async () => {
    let open = 0
    const embed: Embedder = async (some, context) => {
      if (some[0] === 'x') throw new Error('broken')
      open++
      await new Promise((_, reject) => context.signal.addEventListener('abort', reject)).finally(() => open--)
      return []
    }
    expect(await failure(embeddings(embed, { batchSize: 1 }).vectorsOf(texts(4), signal))).toMatchObject({
      message: expect.stringContaining('broken'),
    })
    expect(open).toBe(0)
  })

  it('gives up when it is told to, while it waits too', async () => {
    const giveUp = new AbortController()
    const { embed } = noting(() => {
      setImmediate(() => giveUp.abort(new DroverError('ABORTED', 'enough')))
      throw new DroverError('STORE_BUSY', 'later', { isRetryable: true, retryAfterMs: 60_000 })
    })
    expect(await failure(embeddings(embed).vectorsOf(['a'], giveUp.signal))).toMatchObject({ code: 'ABORTED' })
  })
})
