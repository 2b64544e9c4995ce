import { setTimeout as wait } from 'node:timers/promises'
import { abortError, DroverError, networkFailures, redactSecrets } from '@drover/core'
import type { Embedder, EmbeddingOptions } from './embedder.js'
import { Turnstile } from './turnstile.js'
import { VectorCache } from './vector-cache.js'
import { vectorsIn } from './vectors-in.js'

/** What was embedded. */
export interface EmbeddingFigures {
  /** Texts that were sent. */
  readonly embedded: number
  /** Texts whose vector was known from before. */
  readonly embeddedBefore: number
  readonly embedCalls: number
  readonly embedRetries: number
}

interface Asked {
  readonly text: string
  readonly key: string
}

type Answer = Float32Array | DroverError

const firstWaitMs = 200
const longestWaitMs = 30_000

/** Calls an embedder for the texts of a run: in batches, several at once, not too often, and once for each text. */
export class Embeddings {
  readonly #cache: VectorCache
  readonly #turnstile: Turnstile
  readonly #batchSize: number
  readonly #batchCharacters: number
  readonly #timeoutMs: number
  readonly #maxRetries: number
  readonly #figures = { embedded: 0, embeddedBefore: 0, embedCalls: 0, embedRetries: 0 }
  #dimensions: number | undefined

  /**
   * @param where For messages: `qdrantSink`.
   * @param checkDimensions Throws if vectors of so many numbers are no use.
   */
  constructor(
    private readonly where: string,
    private readonly embed: Embedder,
    private readonly checkDimensions: (dimensions: number) => void,
    {
      batchSize = 96,
      batchCharacters = 100_000,
      concurrency = 4,
      requestsPerSecond,
      timeoutMs = 60_000,
      maxRetries = 5,
      cacheBytes = 64 * 1024 * 1024,
    }: EmbeddingOptions = {},
  ) {
    this.#cache = new VectorCache(cacheBytes)
    this.#turnstile = new Turnstile(concurrency, requestsPerSecond)
    this.#batchSize = batchSize
    this.#batchCharacters = batchCharacters
    this.#timeoutMs = timeoutMs
    this.#maxRetries = maxRetries
  }

  get figures(): EmbeddingFigures {
    return { ...this.#figures }
  }

  /**
   * The vectors of some texts, in their order; the error for a text that the embedder will not take.
   *
   * @throws what the embedder throws, once it has been asked often enough; `CONTRACT_BROKEN` if it gives another number of vectors, or no numbers
   */
  async vectorsOf(texts: readonly string[], signal: AbortSignal): Promise<readonly Answer[]> {
    const keys = texts.map(VectorCache.keyOf)
    const known = new Map<string, Answer>()
    const missing = new Map<string, Asked>()
    for (const [i, key] of keys.entries()) {
      const vector = this.#cache.get(key)
      if (vector !== undefined) known.set(key, vector)
      else missing.set(key, { text: texts[i] as string, key })
    }
    this.#figures.embeddedBefore += texts.length - missing.size
    await this.#askAll(this.#chunks([...missing.values()]), known, signal)
    return keys.map((key) => known.get(key) as Answer)
  }

  *#chunks(asked: readonly Asked[]): Generator<Asked[]> {
    let chunk: Asked[] = []
    let characters = 0
    for (const one of asked) {
      if (
        chunk.length === this.#batchSize ||
        (chunk.length > 0 && characters + one.text.length > this.#batchCharacters)
      ) {
        yield chunk
        chunk = []
        characters = 0
      }
      chunk.push(one)
      characters += one.text.length
    }
    if (chunk.length > 0) yield chunk
  }

  /** Where one call fails for good, the others are given up, and nothing is left under way. */
  async #askAll(chunks: Iterable<Asked[]>, known: Map<string, Answer>, signal: AbortSignal): Promise<void> {
    const giveUp = new AbortController()
    const either = AbortSignal.any([signal, giveUp.signal])
    let failure: { readonly error: unknown } | undefined
    const ask = async (chunk: readonly Asked[]): Promise<void> => {
      try {
        const answers = await this.#answersOf(chunk, either)
        for (const [i, { key }] of chunk.entries()) known.set(key, answers[i] as Answer)
      } catch (error) {
        failure ??= { error }
        giveUp.abort()
      }
    }
    await Promise.all(Array.from(chunks, ask))
    if (signal.aborted) throw abortError(signal)
    if (failure !== undefined) throw failure.error
  }

  /** The service refuses a call as a whole: halves of it show for which text. */
  async #answersOf(chunk: readonly Asked[], signal: AbortSignal): Promise<readonly Answer[]> {
    try {
      return await this.#ask(chunk, signal)
    } catch (error) {
      if (!DroverError.isInstance(error, 'RECORD_REFUSED')) throw error
      if (chunk.length === 1) return [error]
      const middle = chunk.length >> 1
      const first = await this.#answersOf(chunk.slice(0, middle), signal)
      return [...first, ...(await this.#answersOf(chunk.slice(middle), signal))]
    }
  }

  async #ask(chunk: readonly Asked[], signal: AbortSignal): Promise<readonly Float32Array[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        const vectors = await this.#turnstile.through(signal, () => this.#call(chunk, signal))
        for (const [i, { key }] of chunk.entries()) this.#cache.set(key, vectors[i] as Float32Array)
        this.#figures.embedded += chunk.length
        return vectors
      } catch (thrown) {
        if (signal.aborted) throw abortError(signal)
        const error = this.#meaning(thrown, chunk.length)
        if (!error.isRetryable || attempt > this.#maxRetries) throw error
        this.#figures.embedRetries++
        const step = Math.min(longestWaitMs, firstWaitMs * 2 ** (attempt - 1))
        await wait(Math.max(Math.random() * step, error.retryAfterMs ?? 0), undefined, { signal })
      }
    }
  }

  async #call(chunk: readonly Asked[], signal: AbortSignal): Promise<readonly Float32Array[]> {
    this.#figures.embedCalls++
    const texts = chunk.map(({ text }) => text)
    const late = AbortSignal.timeout(this.#timeoutMs)
    const either = AbortSignal.any([signal, late])
    const given = await this.#race(async () => this.embed(texts, { signal: either }), either, late)
    const vectors = vectorsIn(given, texts.length, this.where)
    for (const { length } of vectors) this.#checkLength(length)
    return vectors
  }

  /** An embedder that does not heed its signal is not waited for. */
  async #race<T>(work: () => Promise<T>, either: AbortSignal, late: AbortSignal): Promise<T> {
    let onAbort = (): void => {}
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(late.aborted ? this.#tooLate(late.reason) : either.reason)
      either.addEventListener('abort', onAbort, { once: true })
    })
    try {
      return await Promise.race([work(), aborted])
    } catch (error) {
      if (late.aborted) throw this.#tooLate(error)
      throw error
    } finally {
      either.removeEventListener('abort', onAbort)
    }
  }

  #tooLate(cause: unknown): DroverError {
    return new DroverError(
      'STORE_UNAVAILABLE',
      `${this.where}: embed did not answer within ${this.#timeoutMs} ms. Check that the service works; embedding.timeoutMs (embedding_timeout, in seconds) gives it more time, a smaller embedding.batchSize less to do.`,
      { cause, isRetryable: true },
    )
  }

  #checkLength(length: number): void {
    if (this.#dimensions === undefined) {
      this.checkDimensions(length)
      this.#dimensions = length
    }
    if (length === this.#dimensions) return
    throw new DroverError(
      'CONTRACT_BROKEN',
      `${this.where}: embed gave a vector of ${length} numbers after others of ${this.#dimensions}: all vectors of a model have one size.`,
    )
  }

  #meaning(thrown: unknown, texts: number): DroverError {
    if (DroverError.isInstance(thrown)) return thrown
    const said = redactSecrets(thrown instanceof Error ? thrown.message : String(thrown))
    const isRetryable = isTransient(thrown)
    const { retryAfterMs } = Object(thrown) as { retryAfterMs?: unknown }
    return new DroverError(
      isRetryable ? 'STORE_UNAVAILABLE' : 'UNEXPECTED',
      `${this.where}: embed failed for ${texts === 1 ? 'a text' : `${texts} texts`}: ${said}`,
      { cause: thrown, isRetryable, ...(typeof retryAfterMs === 'number' && retryAfterMs >= 0 && { retryAfterMs }) },
    )
  }
}

/** As its thrower says, or because the network failed; fetch wraps what the socket said. */
function isTransient(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  const { isRetryable, code, cause } = error as { isRetryable?: unknown; code?: unknown; cause?: unknown }
  if (typeof isRetryable === 'boolean') return isRetryable
  if (typeof code === 'string' && networkFailures[code]?.retry === true) return true
  return cause !== error && isTransient(cause)
}
