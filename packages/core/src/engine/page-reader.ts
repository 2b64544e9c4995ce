import type { Filter } from '../contracts/filter.js'
import type { Page } from '../contracts/page.js'
import type { Partition } from '../contracts/position.js'
import type { SourceSession } from '../contracts/source.js'
import type { Cursor, Row } from '../contracts/values.js'
import type { TransformContext } from '../flow/transformer.js'
import { Breather } from './breather.js'
import type { Chain } from './chain.js'
import { HeldPage } from './held-page.js'
import { type RetryNotice, retrying } from './retry.js'

export interface PageReaderOptions {
  readonly session: SourceSession<Row>
  readonly partition: Partition
  readonly after: Cursor | null
  readonly filter: Filter | undefined
  readonly page: { readonly records: number; readonly bytes: number }
  readonly chain: Chain
  readonly context: TransformContext
  readonly maxRetries: number
  readonly onRetry: (notice: RetryNotice) => void
}

/**
 * Pages of one partition, transformed, one ahead: while the sink writes a page, the next one is read and transformed.
 * More ahead was measured to gain nothing. After a transient error it goes on behind the last page it got.
 */
export class PageReader {
  readonly #breather = new Breather()
  #iterator: AsyncIterator<Page<Row>> | undefined
  #after: Cursor | null
  #ahead: Promise<HeldPage | null> | undefined
  #ended = false
  #queuedBytes = 0

  constructor(private readonly options: PageReaderOptions) {
    this.#after = options.after
  }

  /** The source has no page left: `next()` would give null. */
  get exhausted(): boolean {
    return this.#ended && this.#queuedBytes === 0
  }

  /** Bytes read ahead. */
  get queuedBytes(): number {
    return this.#queuedBytes
  }

  async next(): Promise<HeldPage | null> {
    if (this.#breather.due) await this.#breather.breathe()
    const page = await (this.#ahead ?? this.#pull())
    this.#queuedBytes = 0
    this.#ahead = undefined
    if (page !== null) this.#readAhead()
    return page
  }

  #readAhead(): void {
    const ahead = this.#pull()
    ahead.then(
      (page) => {
        this.#queuedBytes = page === null ? 0 : Math.max(1, page.bytes)
      },
      () => {}, // whoever calls next() gets it
    )
    this.#ahead = ahead
  }

  async #pull(): Promise<HeldPage | null> {
    const { chain, context, maxRetries, onRetry } = this.options
    if (this.#ended) return null
    const page = await retrying(() => this.#read(), { maxRetries, signal: context.signal, onRetry })
    if (page === null) return null
    return new HeldPage(page, chain.isEmpty ? page : await chain.run(page, context))
  }

  async #read(): Promise<Page<Row> | null> {
    const { session, partition, filter, page, context } = this.options
    this.#iterator ??= session
      .read({
        signal: context.signal,
        partition,
        after: this.#after,
        page,
        ...(filter === undefined ? {} : { filter }),
      })
      [Symbol.asyncIterator]()
    try {
      const next = await this.#iterator.next()
      if (next.done === true) {
        this.#ended = true
        return null
      }
      this.#after = next.value.cursor
      return next.value
    } catch (error) {
      this.#iterator = undefined
      throw error
    }
  }

  /** Leaves the source's loop, so that it frees what it holds. */
  async close(): Promise<void> {
    this.#ended = true
    await this.#ahead?.catch(() => {}) // a page that nobody asked for any more
    await this.#iterator?.return?.()
    this.#iterator = undefined
  }
}
