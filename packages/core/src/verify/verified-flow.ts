import type { RecordKey } from '../contracts/page.js'
import type { RecordSchema } from '../contracts/schema.js'
import type { Source, SourceSession } from '../contracts/source.js'
import type { Cursor, Row } from '../contracts/values.js'
import { Chain } from '../engine/chain.js'
import type { HeldPage } from '../engine/held-page.js'
import { PageReader } from '../engine/page-reader.js'
import { DroverError } from '../errors/drover-error.js'
import { type Flow, isFlow } from '../flow/flow.js'
import type { TransformContext } from '../flow/transformer.js'
import { inferSchema } from '../schema/infer-schema.js'
import type { ReadsBackAs, VerifiedSide } from './verify.js'

/** Where a page lies: given again, it is read again. */
export interface PagePlace {
  /** Where it begins. */
  readonly after: Cursor | null
  /** Records that it had. */
  readonly records: number
}

/** Rows that were read at once. */
export interface VerifiedPage {
  readonly rows: readonly Row[]
  readonly place: PagePlace
  /** Measured or estimated. */
  readonly bytes: number
}

const page = { records: 1000, bytes: 4 * 1024 * 1024 }
const maxRetries = 8

interface VerifiedFlowHelp {
  readonly signal: AbortSignal
  readonly runStartedAt: Date | undefined
  /** What the other side holds for a record. */
  readonly readsBackAs?: ReadsBackAs | undefined
  /** What rows of the other side look like. */
  readonly expected?: RecordSchema
}

/** One side of a verification: its rows as a sink would get them, as often as they are asked for. */
export class VerifiedFlow implements AsyncDisposable {
  readonly #name: string
  #rows = 0
  #rejected = 0
  #lacksStart = false
  /** Read for its schema already; the first pass begins with it. */
  #first: { readonly reader: PageReader; readonly pages: readonly HeldPage[] } | undefined

  static async open(from: Source<object> | Flow<object>, help: VerifiedFlowHelp): Promise<VerifiedFlow> {
    const { source, steps } = isFlow(from) ? from : { source: from as Source, steps: [] }
    const session = await source.connect(help)
    const flow = new VerifiedFlow(source.name, session, new Chain(steps, { maxRetries }), help)
    try {
      await flow.chain.open(help)
      return flow
    } catch (error) {
      await flow[Symbol.asyncDispose]()
      throw error
    }
  }

  private constructor(
    name: string,
    private readonly session: SourceSession,
    private readonly chain: Chain,
    private readonly help: VerifiedFlowHelp,
  ) {
    this.#name = name
  }

  /** What the last pass counted. */
  get side(): VerifiedSide {
    return { name: this.#name, rows: this.#rows, rejected: this.#rejected }
  }

  /** What the rows look like: as source and steps say, else as the first rows do. */
  async describe(): Promise<RecordSchema> {
    const known = await this.session.describe(this.help)
    const described = known.fields.length === 0 ? null : this.chain.describe(known)
    if (described !== null) return described
    const reader = this.#reader()
    const pages: HeldPage[] = []
    this.#first = { reader, pages }
    const rows: Row[] = []
    while (rows.length === 0) {
      const next = await reader.next()
      if (next === null) break
      pages.push(next)
      rows.push(...rowsOf(next))
    }
    return inferSchema(rows)
  }

  /** One pass over all rows, page by page. */
  async *pages(): AsyncGenerator<VerifiedPage> {
    this.#rows = 0
    this.#rejected = 0
    const { reader, pages } = this.#first ?? { reader: this.#reader(), pages: [] }
    this.#first = undefined
    let after: Cursor | null = null
    const read = (held: HeldPage): VerifiedPage => {
      const place = { after, records: held.source.count }
      const at = { rows: this.#counted(held), place, bytes: held.bytes }
      after = held.source.cursor
      return at
    }
    try {
      for (const held of pages) yield read(held)
      for (let held = await reader.next(); held !== null; held = await reader.next()) yield read(held)
    } finally {
      await reader.close()
    }
  }

  /** Reads one page once more, as it is by now. A source that has learned meanwhile how large its records are cuts others. */
  async again({ after, records }: PagePlace): Promise<readonly Row[]> {
    const rows: Row[] = []
    let cursor = after
    for (let left = records, most = page.records; ; most = left) {
      const reader = this.#reader(cursor, most)
      try {
        const held = await reader.next()
        if (held === null) return rows
        rows.push(...this.#made(held).rows)
        left -= held.source.count
        if (left <= 0) return rows
        cursor = held.source.cursor
      } finally {
        await reader.close()
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#first?.reader.close()
      await this.chain.close(() => {}) // the first error says enough
    } finally {
      await this.session[Symbol.asyncDispose]()
    }
  }

  #counted(held: HeldPage): readonly Row[] {
    if (this.#lacksStart) {
      throw new DroverError(
        'OPTION_INVALID',
        `verify: a step of ${this.#name} asks when the run began; pass runStartedAt, which the run's report has as startedAt.`,
      )
    }
    const { rows, rejected } = this.#made(held)
    this.#rows += rows.length
    this.#rejected += held.rejectedCount + rejected
    return rows
  }

  /** Rows as the other side holds them, and how many it cannot hold. */
  #made(held: HeldPage): { readonly rows: readonly Row[]; readonly rejected: number } {
    const { readsBackAs } = this.help
    const page = held.view()
    const records = page.rows()
    if (readsBackAs === undefined) return { rows: records, rejected: 0 }
    const keys = page.keys()
    const rows: Row[] = []
    for (const [i, record] of records.entries()) {
      try {
        rows.push(readsBackAs(record, keys[i] as RecordKey))
      } catch (error) {
        if (!DroverError.isInstance(error, 'RECORD_REFUSED', 'RECORD_UNREADABLE')) throw error
      }
    }
    return { rows, rejected: records.length - rows.length }
  }

  #reader(after: Cursor | null = null, records = page.records): PageReader {
    return new PageReader({
      session: this.session,
      source: this.#name,
      partition: { id: 'all', bounds: null },
      after,
      filter: undefined,
      page: { ...page, records },
      aheadBytes: page.bytes,
      chain: this.chain,
      context: this.#context(),
      retrying: { maxRetries, signal: this.help.signal },
      bear: () => {}, // what is rejected is counted
    })
  }

  /** A step that asks for the run's start rejects its record; that the start was lacking is noted here. */
  #context(): TransformContext {
    const { signal, runStartedAt } = this.help
    const lacks = (): never => {
      this.#lacksStart = true
      throw new DroverError('OPTION_INVALID', 'runStartedAt was not given.')
    }
    return {
      signal,
      get runStartedAt() {
        return runStartedAt ?? lacks()
      },
    }
  }
}

function rowsOf(held: HeldPage): readonly Row[] {
  return held.view().rows()
}
