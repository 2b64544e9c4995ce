import type { Page } from '../contracts/page.js'
import type { Commit, Counts, Position } from '../contracts/position.js'
import type { CommitBatch, Outcome } from '../contracts/sink.js'
import type { Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import { addCounts } from './counts.js'
import type { HeldPage, Rejection } from './held-page.js'
import type { PageReader } from './page-reader.js'

export interface OpenBatchOptions {
  readonly reader: PageReader
  readonly sequence: number
  readonly position: Position
  /** Told of every page that is pulled. */
  readonly onPage: (page: HeldPage) => void
  /** Whether the pages held are enough. */
  readonly isFull: (held: readonly HeldPage[], since: number) => boolean
  /** Makes rejections durable, or refuses them because too many were. */
  readonly bury: (rejections: readonly Rejection[]) => Promise<void>
}

/** The pages that become durable together. They are kept until they are, so that the sink can be given them again. */
export class OpenBatch {
  readonly held: HeldPage[] = []
  readonly partition
  readonly sequence: number
  readonly openedAt = performance.now()
  /** What broke a write off though the sink was not to blame: the source, a dead letter. The sink may have wrapped it. */
  ownFailure: unknown
  /** `commit` was called: a write that fails from now on may have succeeded. */
  commitCalled = false
  /** Given by the last call of `commit`. */
  committed: { readonly position: Commit; readonly outcome: Outcome } | undefined
  #filled = false
  #ended = false
  readonly #whenFilled: Promise<void>
  #markFilled!: () => void

  constructor(private readonly options: OpenBatchOptions) {
    this.partition = options.position.partition
    this.sequence = options.sequence
    this.#whenFilled = new Promise((resolve) => {
      this.#markFilled = resolve
    })
  }

  /** Resolves once no further page will be pulled for this batch. */
  get whenFilled(): Promise<void> {
    return this.#whenFilled
  }

  get bytes(): number {
    return this.held.reduce((bytes, page) => bytes + page.bytes, 0)
  }

  /** Pulls pages until one has rows, the batch is full, or the source has ended. */
  async fillToFirstRow(): Promise<readonly Row[]> {
    const { reader, isFull } = this.options
    while (!isFull(this.held, this.openedAt)) {
      const page = await this.#pull(reader)
      if (page === null) {
        this.#finishFilling(true)
        return []
      }
      if (page.rowCount > 0) return page.views()[0]?.rows() ?? []
    }
    return []
  }

  /** One pass for the sink: what is held, then, the first time, what is still to come. */
  pass(): CommitBatch<Row> {
    this.ownFailure = undefined
    this.commitCalled = false
    this.committed = undefined
    let begun = false
    return {
      partition: this.partition,
      sequence: this.sequence,
      commit: (outcome) => this.#commit(outcome),
      [Symbol.asyncIterator]: () => {
        if (begun) throw new DroverError('CONTRACT_BROKEN', 'a sink iterated over a batch twice; pull its pages once.')
        begun = true
        return this.#pages()
      },
    }
  }

  /** A probe of some records alone; it pulls nothing and cannot be committed. */
  probe(records: readonly (readonly [page: number, record: number])[]): CommitBatch<Row> {
    const byPage = new Map<number, Set<number>>()
    for (const [page, record] of records) byPage.set(page, (byPage.get(page) ?? new Set()).add(record))
    const views = [...byPage].flatMap(([page, chosen]) => (this.held[page] as HeldPage).viewsOf(chosen))
    return {
      partition: this.partition,
      sequence: this.sequence,
      commit: () =>
        Promise.reject(new DroverError('CONTRACT_BROKEN', 'a sink committed a batch that was only to be probed.')),
      async *[Symbol.asyncIterator]() {
        yield* views
      },
    }
  }

  /** All records that have rows, in the order the sink gets them. */
  records(): (readonly [page: number, record: number])[] {
    return this.held.flatMap((held, page) => held.records().map((record) => [page, record] as const))
  }

  /** Which record the sink's `row`-th row belongs to; undefined if there is no such row. */
  locate(row: number): { readonly page: number; readonly record: number; readonly row: Row } | undefined {
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
    let read = 0
    let filtered = 0
    let rejected = 0
    let emitted = 0
    for (const page of this.held) {
      read += page.source.count
      filtered += page.filteredCount
      rejected += page.rejectedCount
      emitted += page.rowCount
    }
    const told = outcome.inserted + outcome.updated + outcome.skipped
    if (told !== emitted) {
      throw new DroverError(
        'CONTRACT_BROKEN',
        `the sink accounts for ${told} rows (${outcome.inserted} inserted, ${outcome.updated} updated, ${outcome.skipped} skipped) of a batch of ${emitted}; nothing of this batch is committed.`,
      )
    }
    return {
      read,
      filtered,
      rejected,
      written: read - filtered - rejected,
      emitted,
      inserted: outcome.inserted,
      updated: outcome.updated,
      skipped: outcome.skipped,
    }
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

  /** The source had no page left when this batch was filled. */
  get ended(): boolean {
    return this.#ended
  }

  async #commit(outcome: Outcome): Promise<Commit> {
    const commit = this.positionAfter(this.options.position, outcome, this.#ended || this.options.reader.exhausted)
    try {
      await this.options.bury(this.rejections())
    } catch (error) {
      this.ownFailure = error
      throw error
    }
    this.commitCalled = true
    this.committed = { position: commit, outcome }
    return commit
  }

  async *#pages(): AsyncGenerator<Page<Row>, void, undefined> {
    const { reader, isFull } = this.options
    try {
      for (const held of this.held) yield* held.views()
      while (!this.#filled && !isFull(this.held, this.openedAt)) {
        const next = await this.#pull(reader)
        if (next === null) return
        yield* next.views()
      }
    } finally {
      this.#finishFilling(this.#ended)
    }
  }

  async #pull(reader: PageReader): Promise<HeldPage | null> {
    try {
      const next = await reader.next()
      if (next === null) {
        this.#ended = true
      } else {
        this.held.push(next)
        this.options.onPage(next)
      }
      return next
    } catch (error) {
      this.ownFailure = error
      throw error
    }
  }

  #finishFilling(ended: boolean): void {
    this.#ended = ended
    this.#filled = true
    this.#markFilled()
  }
}
