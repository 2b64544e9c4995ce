import { setMaxListeners } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import type { Filter } from '../contracts/filter.js'
import type { Page } from '../contracts/page.js'
import type { Partition } from '../contracts/position.js'
import type { SourceSession } from '../contracts/source.js'
import type { Cursor, Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import type { TransformContext } from '../flow/transformer.js'
import { breather } from './breather.js'
import type { Chain } from './chain.js'
import { HeldPage, type Rejection } from './held-page.js'
import { RecordPage } from './record-page.js'
import { abortError, type Retrying, retrying } from './retry.js'
import type { StepRejects } from './step-rejects.js'

export interface PageReaderOptions {
  readonly session: SourceSession<Row>
  /** As messages name it. */
  readonly source: string
  /** Id of the run. */
  readonly run?: string
  readonly partition: Partition
  readonly after: Cursor | null
  readonly filter: Filter | undefined
  readonly page: { readonly records: number; readonly bytes: number }
  /** Behind a page that is larger nothing is read ahead. */
  readonly aheadBytes: number
  readonly chain: Chain
  /** What the sink takes as it is; asked when a read begins. */
  readonly forms?: () => readonly string[] | undefined
  /** Whether the sink takes a page in its own form, so that steps which say what they read and set need not make records of it. */
  readonly takes?: (page: Page<Row>) => boolean
  readonly context: TransformContext
  readonly retrying: Retrying
  /** Throws if the run does not bear so many rejections, which are made only then. */
  readonly bear: (count: number, rejections: () => readonly Rejection[]) => void
}

/** While a batch is made durable, so many pages at the most are read ahead, if each takes no longer than this. */
const mostAhead = 4
const quickPageMs = 50

/**
 * Pages of one partition, transformed, one ahead: while the sink writes a page, the next one is read and transformed. More ahead
 * was measured to gain nothing but while a batch is made durable, which is a wait for disks. After a transient error it goes on behind
 * the last page it got.
 */
export class PageReader {
  readonly #closing = new AbortController()
  readonly #context: TransformContext
  #iterator: AsyncIterator<Page<Row>> | undefined
  #after: Cursor | null
  #ahead: Promise<HeldPage | null> | undefined
  /** Pages in front of the one that is under way, read while there was nothing else to do. */
  readonly #queue: HeldPage[] = []
  #readsOn = false
  #ended = false
  #queuedBytes = 0
  #isTransforming = false
  readonly #stop = () => this.#closing.abort(this.options.context.signal.reason)

  constructor(private readonly options: PageReaderOptions) {
    this.#after = options.after
    const { signal } = options.context
    setMaxListeners(0, this.#closing.signal) // as many as steps have calls under way
    if (signal.aborted) this.#stop()
    else signal.addEventListener('abort', this.#stop, { once: true })
    this.#context = {
      signal: this.#closing.signal,
      get runStartedAt() {
        return options.context.runStartedAt
      },
    }
  }

  /** The source has no page left: `next()` would give null. */
  get exhausted(): boolean {
    return this.#ended && this.#queue.length === 0
  }

  /** Bytes read ahead. */
  get queuedBytes(): number {
    return this.#queue.reduce((bytes, page) => bytes + page.bytes, this.#queuedBytes)
  }

  /** What the next page waits for. */
  get waitsFor(): 'source' | 'transform' {
    return this.#isTransforming ? 'transform' : 'source'
  }

  /** What it failed with once, it fails with again: no page is ever passed over. */
  async next(): Promise<HeldPage | null> {
    if (breather.due) await breather.breathe()
    const { signal } = this.options.context
    if (signal.aborted) throw abortError(signal) // a source that never looks is no reason to go on
    this.#readsOn = false
    const queued = this.#queue.shift()
    if (queued !== undefined) return queued
    this.#ahead ??= this.#pull()
    const page = await this.#ahead
    this.#queuedBytes = 0
    this.#ahead = undefined
    if (page !== null && page.bytes <= this.options.aheadBytes) this.#readAhead()
    return page
  }

  /** Reads more than one page ahead until the next one is asked for: the batch of those before is being made durable. */
  async readOn(): Promise<void> {
    this.#readsOn = true
    while (this.#ahead !== undefined && this.#queue.length < mostAhead) {
      const begun = performance.now()
      const ahead = this.#ahead
      const page = await ahead.catch(() => null) // whoever calls next() gets it
      // A step may be dear, and what it made is lost if the run is stopped.
      const isSlow = performance.now() - begun > quickPageMs
      const isFull = this.queuedBytes >= this.options.aheadBytes
      if (!this.#readsOn || this.#ahead !== ahead || page === null || isSlow || isFull) return
      this.#queue.push(page)
      this.#queuedBytes = 0
      this.#readAhead()
      await setImmediate()
    }
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
    const { chain } = this.options
    if (this.#ended) return null
    const page = await retrying(() => this.#read(), this.options.retrying)
    if (page === null) return null
    if (chain.isEmpty) {
      const given = this.options.takes?.(page) === true ? (page.asItCame?.() ?? page) : page
      return new HeldPage(given, given)
    }
    this.#isTransforming = true
    try {
      return await this.#transformed(page)
    } finally {
      this.#isTransforming = false
    }
  }

  async #transformed(page: Page<Row>): Promise<HeldPage> {
    const { chain } = this.options
    const readable = page.count - (page.rejected?.length ?? 0)
    const bear = (rejects: StepRejects): void =>
      this.options.bear(rejects.size + page.count - readable, () =>
        new HeldPage(page, new RecordPage(page, [], [], rejects.all, 0)).rejections(),
      )
    const patched = this.options.takes?.(page) === true ? await chain.runByColumn(page, this.#context, bear) : null
    if (patched !== null) return new HeldPage(page, patched)
    if (page.rows().length !== readable) throw this.#broken(`${page.rows().length} rows for ${readable} records`)
    const made = await chain.run(page, this.#context, bear)
    page.release?.(false)
    return new HeldPage(page, made)
  }

  async #read(): Promise<Page<Row> | null> {
    const { session, partition, filter, page, context, run } = this.options
    const forms = this.#forms()
    this.#iterator ??= session
      .read({
        signal: context.signal,
        partition,
        after: this.#after,
        page,
        ...(filter === undefined ? {} : { filter }),
        ...(forms === undefined ? {} : { forms }),
        ...(run === undefined ? {} : { run }),
      })
      [Symbol.asyncIterator]()
    try {
      const next = await this.#iterator.next()
      if (next.done === true) {
        this.#ended = true
        return null
      }
      const { cursor } = next.value
      if (cursor === undefined || cursor === null) throw this.#broken('a page without a cursor')
      this.#after = cursor
      return next.value
    } catch (error) {
      this.#iterator = undefined
      throw error
    }
  }

  /** Behind a step pages are rows anyway; a source may still be told that it is rows that are wanted. */
  #forms(): readonly string[] | undefined {
    const forms = this.options.forms?.()
    return this.options.chain.isEmpty || forms?.length === 0 ? forms : undefined
  }

  #broken(what: string): DroverError {
    return new DroverError(
      'CONTRACT_BROKEN',
      `${this.options.source} gave ${what}, in partition "${this.options.partition.id}"; the source is to be mended.`,
    )
  }

  /** Leaves the source's loop, so that it frees what it holds; a page that nobody will ask for is not transformed any further. */
  async close(): Promise<void> {
    this.#ended = true
    this.#readsOn = false
    this.#queue.length = 0
    this.options.context.signal.removeEventListener('abort', this.#stop)
    this.#closing.abort(new DroverError('ABORTED', 'The page is not needed any more: the run ends, or reads it anew.'))
    await this.#ahead?.catch(() => {}) // a page that nobody asked for any more
    await this.#iterator?.return?.()
    this.#iterator = undefined
  }
}
