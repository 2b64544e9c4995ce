import type { Page } from '../contracts/page.js'
import type { Commit, Counts, Position } from '../contracts/position.js'
import type { CommitBatch, Outcome } from '../contracts/sink.js'
import type { Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import { addCounts } from './counts.js'
import type { HeldPage, Located, Rejection } from './held-page.js'
import type { PageReader } from './page-reader.js'

export interface OpenBatchOptions {
  readonly reader: PageReader
  readonly sequence: number
  readonly position: Position
  /** Run and sink, as messages name them. */
  readonly where: string
  /** The sink does not come back to a page: what it has taken in may be forgotten, and read again where need be. */
  readonly takesPagesOnce: boolean
  /** Told of every page that is pulled. */
  readonly onPage: (page: HeldPage) => void
  /** Whether the pages held are enough. Not asked before there is one. */
  readonly isFull: (batch: OpenBatch) => boolean
  /** Makes rejections durable, or refuses them because too many were. */
  readonly bury: (rejections: readonly Rejection[]) => Promise<void>
}

/** The pages that become durable together. They are kept until they are, so that the sink can be given them again. */
export class OpenBatch {
  readonly held: HeldPage[] = []
  readonly partition
  readonly sequence: number
  readonly openedAt = performance.now()
  /** Resolves once no further page will be pulled for this batch. */
  readonly whenFilled: Promise<void>
  /** `commit` was called: a write that fails from now on may have succeeded. */
  commitCalled = false
  /** Its rows are durable; its position may not be. */
  isWritten = false
  /** Given by the last call of `commit`. */
  committed: { readonly position: Commit; readonly outcome: Outcome } | undefined
  #ownFailure: { readonly error: unknown } | undefined
  #records = 0
  #bytes = 0
  #filled = false
  #ended = false
  #isPulling = false
  #markFilled!: () => void

  constructor(private readonly options: OpenBatchOptions) {
    this.partition = options.position.partition
    this.sequence = options.sequence
    this.whenFilled = new Promise((resolve) => {
      this.#markFilled = resolve
    })
  }

  /** Source records held. */
  get records(): number {
    return this.#records
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The source had no page left when this batch was filled. */
  get ended(): boolean {
    return this.#ended
  }

  /** It waits for a page. */
  get isPulling(): boolean {
    return this.#isPulling
  }

  /** Throws what broke the last pass off though the sink was not to blame: the source, a dead letter. The sink may have wrapped it, or swallowed it. */
  throwOwnFailure(): void {
    if (this.#ownFailure !== undefined) throw this.#ownFailure.error
  }

  /** Pulls pages until they have so many rows, or the batch is full, or the source has ended; gives those that have some. */
  async fillTo(rows: number): Promise<readonly Page<Row>[]> {
    const pages: Page<Row>[] = []
    let found = 0
    while (found < rows && !this.#isFull()) {
      const page = await this.#pull()
      if (page === null) {
        this.#finishFilling()
        break
      }
      if (page.rowCount === 0) continue
      pages.push(page.view())
      found += page.rowCount
    }
    return pages
  }

  /** One pass for the sink: what is held, then, the first time, what is still to come. */
  pass(): CommitBatch<Row> {
    this.#ownFailure = undefined
    this.commitCalled = false
    this.committed = undefined
    let begun = false
    return {
      partition: this.partition,
      sequence: this.sequence,
      commit: (outcome) => this.#commit(outcome),
      [Symbol.asyncIterator]: () => {
        if (begun) throw this.#broken('iterated over a batch twice; its pages are to be pulled once')
        begun = true
        return this.#pages()
      },
    }
  }

  /** A probe of some records alone; it pulls nothing and cannot be committed. */
  probe(records: readonly (readonly [page: number, record: number])[]): CommitBatch<Row> {
    const byPage = new Map<number, Set<number>>()
    for (const [page, record] of records) byPage.set(page, (byPage.get(page) ?? new Set()).add(record))
    const views = [...byPage].map(([page, chosen]) => (this.held[page] as HeldPage).viewOf(chosen))
    return {
      partition: this.partition,
      sequence: this.sequence,
      commit: () => Promise.reject(this.#broken('committed a batch that was only to be probed')),
      async *[Symbol.asyncIterator]() {
        yield* views
      },
    }
  }

  /** All records that have rows, in the order the sink gets them. */
  recordsWithRows(): (readonly [page: number, record: number])[] {
    return this.held.flatMap((held, page) => held.records().map((record) => [page, record] as const))
  }

  /** Which record the sink's `row`-th row belongs to; undefined if there is no such row. */
  locate(row: number): (Located & { readonly page: number }) | undefined {
    let before = 0
    for (const [page, held] of this.held.entries()) {
      if (row < before + held.rowCount) return { page, ...held.locate(row - before) }
      before += held.rowCount
    }
    return undefined
  }

  rejections(): Rejection[] {
    return this.held.flatMap((page) => page.rejections())
  }

  /** What this batch counts, given what the sink said became of its rows. */
  counts(outcome: Outcome): Counts {
    const { inserted, updated, skipped } = outcome
    let filtered = 0
    let rejected = 0
    let emitted = 0
    for (const page of this.held) {
      filtered += page.filteredCount
      rejected += page.rejectedCount
      emitted += page.rowCount
    }
    const told = inserted + updated + skipped
    if (told !== emitted) {
      throw this.#broken(
        `accounts for ${told} rows (${inserted} inserted, ${updated} updated, ${skipped} skipped) of a batch of ${emitted}`,
      )
    }
    const read = this.#records
    return { read, filtered, rejected, written: read - filtered - rejected, emitted, inserted, updated, skipped }
  }

  /** The position behind this batch, `position` being the one in front of it. */
  positionAfter(position: Position, outcome: Outcome, done: boolean): Commit {
    return {
      ...position,
      sequence: this.sequence,
      cursor: this.held.at(-1)?.source.cursor ?? position.cursor,
      done,
      counts: addCounts(position.counts, this.counts(outcome)),
    }
  }

  async #commit(outcome: Outcome): Promise<Commit> {
    // What would be pulled from now on would be written, and stand in no position.
    this.#finishFilling()
    const commit = this.positionAfter(this.options.position, outcome, this.#ended || this.options.reader.exhausted)
    try {
      await this.options.bury(this.rejections())
    } catch (error) {
      this.#ownFailure = { error }
      throw error
    }
    this.commitCalled = true
    this.committed = { position: commit, outcome }
    return commit
  }

  async *#pages(): AsyncGenerator<Page<Row>, void, undefined> {
    try {
      for (const held of this.held) {
        yield held.view()
        if (this.options.takesPagesOnce) held.release()
      }
      while (!this.#filled && !this.#isFull()) {
        const next = await this.#pull()
        if (next === null) return
        yield next.view()
        if (this.options.takesPagesOnce) next.release()
      }
    } finally {
      this.#finishFilling()
    }
  }

  /** The next page, kept; null if the source has ended. */
  async #pull(): Promise<HeldPage | null> {
    this.#isPulling = true
    try {
      const next = await this.options.reader.next()
      if (next === null) {
        this.#ended = true
        return null
      }
      this.held.push(next)
      this.#records += next.source.count
      this.#bytes += next.bytes
      this.options.onPage(next)
      return next
    } catch (error) {
      this.#ownFailure = { error }
      throw error
    } finally {
      this.#isPulling = false
    }
  }

  #isFull(): boolean {
    return this.held.length > 0 && this.options.isFull(this)
  }

  #finishFilling(): void {
    this.#filled = true
    this.#markFilled()
  }

  #broken(what: string): DroverError {
    return new DroverError(
      'CONTRACT_BROKEN',
      `${this.options.where} ${what}. Nothing of this batch is committed; the sink is to be mended.`,
    )
  }
}
