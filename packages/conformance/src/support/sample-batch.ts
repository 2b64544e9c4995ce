import type { Claim, Commit, CommitBatch, Counts, Outcome, Page, Row } from '@drover/core'

export interface SampleBatchOptions {
  readonly claim: Claim
  readonly sequence: number
  readonly pages: readonly Page[]
  /** Counts of the batches before this one. */
  readonly before?: Counts
  readonly done?: boolean
  /** Called inside `commit`, before it answers: the place where dead letters become durable. */
  readonly onCommit?: () => Promise<void>
  /** Called before each page is given. */
  readonly onPage?: (index: number) => Promise<void>
}

export const noCounts: Counts = {
  read: 0,
  written: 0,
  filtered: 0,
  rejected: 0,
  emitted: 0,
  inserted: 0,
  updated: 0,
  skipped: 0,
}

/** A batch as the engine makes one, which remembers what the sink did with it. */
export class SampleBatch implements CommitBatch<Row> {
  readonly partition
  readonly sequence: number
  /** Rows of the pages that the sink pulled. */
  pulled = 0
  pagesPulled = 0
  commits = 0
  /** The loop was left, or ran to its end. */
  closed = false
  outcome: Outcome | undefined
  committed: Commit | undefined
  #begun = false

  constructor(private readonly options: SampleBatchOptions) {
    this.partition = options.claim.partition
    this.sequence = options.sequence
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Page, void, undefined> {
    if (this.#begun) throw new Error('The sink iterated over the batch twice; pull its pages once.')
    this.#begun = true
    try {
      for (const [index, page] of this.options.pages.entries()) {
        await this.options.onPage?.(index)
        this.pagesPulled++
        this.pulled += page.rows().length
        yield page
      }
    } finally {
      this.closed = true
    }
  }

  /** As if it were given for the first time, as the engine does for a sink that asks for that. */
  again(): void {
    this.#begun = false
    this.pulled = 0
    this.pagesPulled = 0
  }

  async commit(outcome: Outcome): Promise<Commit> {
    this.commits++
    this.outcome = outcome
    await this.options.onCommit?.()
    const { claim, before = noCounts, pages, done = false } = this.options
    const written = pages.slice(0, this.pagesPulled).reduce((count, page) => count + page.count, 0)
    this.committed = {
      ...claim,
      sequence: this.sequence,
      cursor: pages[this.pagesPulled - 1]?.cursor ?? null,
      done: done && this.pagesPulled === pages.length,
      counts: {
        ...before,
        read: before.read + written,
        written: before.written + written,
        emitted: before.emitted + this.pulled,
        inserted: before.inserted + outcome.inserted,
        updated: before.updated + outcome.updated,
        skipped: before.skipped + outcome.skipped,
      },
    }
    return this.committed
  }
}
