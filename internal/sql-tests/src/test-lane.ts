import {
  type Commit,
  type CommitBatch,
  DroverError,
  type ExactSession,
  type ExactSink,
  type Outcome,
  type Page,
  type Position,
  type RecordSchema,
  type Row,
} from '@drover/core'

const operation = { signal: new AbortController().signal }

export interface TestLaneOptions {
  readonly run?: string
  readonly fence?: number
  /** What the sink is prepared for. @default the table must be there */
  readonly schema?: RecordSchema
}

const noCounts = { read: 0, written: 0, filtered: 0, rejected: 0, emitted: 0, inserted: 0, updated: 0, skipped: 0 }
const partition = { id: 'all', bounds: null }

/** A sink with its one partition claimed, written to as the engine does. */
export class TestLane implements AsyncDisposable {
  private constructor(
    readonly session: ExactSession,
    public position: Position,
  ) {}

  static async open(sink: ExactSink, { run = 'run', fence = 1, schema }: TestLaneOptions = {}): Promise<TestLane> {
    const session = await sink.connect(operation)
    try {
      if (schema !== undefined) await session.prepare?.(schema, operation)
      const claim = { run, partition, fence }
      const found = await session.claim(claim, operation)
      return new TestLane(session, found ?? { ...claim, sequence: 0, cursor: null, done: false, counts: noCounts })
    } catch (error) {
      await session[Symbol.asyncDispose]()
      throw error
    }
  }

  /**
   * Commits one batch of these rows, as pages of that many.
   *
   * @param onPage Called before each page is given.
   */
  write(rows: readonly Row[], pageSize = 1000, onPage = nothing): Promise<Outcome> {
    return this.writePages(pagesOf(rows, pageSize), onPage)
  }

  async writePages(pages: readonly Page[], onPage = nothing, { signal } = operation): Promise<Outcome> {
    let outcome: Outcome | undefined
    let next: Commit | undefined
    const commit = async (given: Outcome): Promise<Commit> => {
      outcome = given
      next = { ...this.position, sequence: this.position.sequence + 1, cursor: this.position.sequence }
      return next
    }
    const write = () => this.session.write(this.#batch(pages, commit, onPage), { signal, mode: 'commit' })
    await write().catch((error: unknown) => {
      if (DroverError.isInstance(error, 'BATCH_AGAIN')) return write()
      throw error
    })
    if (outcome === undefined || next === undefined) throw new Error('The sink wrote without calling commit().')
    this.position = next
    return outcome
  }

  /** Finds out whether it would be refused. */
  async probe(rows: readonly Row[], pageSize = 1000): Promise<void> {
    const commit = async (): Promise<never> => {
      throw new Error('A probe commits nothing.')
    }
    await this.session.write(this.#batch(pagesOf(rows, pageSize), commit, nothing), { ...operation, mode: 'probe' })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.session[Symbol.asyncDispose]() as Promise<void>
  }

  #batch(pages: readonly Page[], commit: CommitBatch<Row>['commit'], onPage: OnPage): CommitBatch<Row> {
    return {
      partition,
      sequence: this.position.sequence + 1,
      commit,
      async *[Symbol.asyncIterator]() {
        for (const [i, page] of pages.entries()) {
          await onPage(i)
          yield page
        }
      },
    }
  }
}

type OnPage = (page: number) => Promise<void>

async function nothing(_page: number): Promise<void> {}

function pagesOf(rows: readonly Row[], pageSize: number): Page[] {
  const pages: Page[] = []
  for (let from = 0; from < rows.length; from += pageSize) pages.push(pageOf(rows.slice(from, from + pageSize), from))
  return pages
}

function pageOf(rows: readonly Row[], first: number): Page {
  return {
    count: rows.length,
    bytes: rows.length * 100,
    cursor: first + rows.length,
    rows: () => rows,
    keys: () => rows.map((_, i) => ({ source: [first + i], child: 0 })),
    slice: (from, to) => pageOf(rows.slice(from, to), first + from),
  }
}

/** What a promise rejects with, or a function throws. */
export async function failure(work: Promise<unknown> | (() => unknown)): Promise<DroverError> {
  const error = await Promise.resolve()
    .then(() => (typeof work === 'function' ? work() : work))
    .then(
      () => null,
      (failed: unknown) => failed,
    )
  if (!DroverError.isInstance(error)) throw new Error(`no DroverError but ${String(error)}`, { cause: error })
  return error
}
