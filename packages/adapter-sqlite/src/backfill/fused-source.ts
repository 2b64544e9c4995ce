import type {
  Count,
  Filter,
  JsonValue,
  Operation,
  Page,
  Partition,
  ReadOptions,
  RecordSchema,
  Row,
  SourceSession,
} from '@drover/core'
import { rangeOfPage } from '../source/sqlite-page.js'
import { FusedPage, type ReadFused } from './fused-page.js'
import type { Fusion } from './fusion.js'

/** Reads rows until `set` is known to fit, from then on keys alone, and rows again as soon as it does not. */
export class FusedSource implements SourceSession<Row> {
  constructor(
    private readonly whole: SourceSession<Row>,
    private readonly keysOnly: SourceSession<Row>,
    private readonly fusion: Fusion,
  ) {}

  describe(operation: Operation): Promise<RecordSchema> {
    return this.whole.describe(operation)
  }

  async count(options: Operation & { readonly filter?: Filter }): Promise<Count> {
    return (await this.whole.count?.(options)) ?? { value: 0, exact: false }
  }

  async partition(
    options: Operation & { readonly count: number; readonly filter?: Filter },
  ): Promise<readonly Partition[]> {
    return (await this.whole.partition?.(options)) ?? []
  }

  async split(
    options: Operation & { readonly partition: Partition; readonly after: JsonValue | null },
  ): Promise<readonly Partition[]> {
    return (await this.whole.split?.(options)) ?? []
  }

  async *read(options: ReadOptions): AsyncGenerator<Page<Row>> {
    let after = options.after
    const readRows: ReadFused = (page, signal) => this.#rowsOf(page, options, signal)
    for (;;) {
      const isFused = this.fusion.isOn
      const session = isFused ? this.keysOnly : this.whole
      let isOver = true
      for await (const page of session.read({ ...options, after })) {
        // Says that the next one may be read without its values.
        if (isFused) rangeOfPage(page)
        const isWhole = !isFused || (page.rejected?.length ?? 0) > 0
        yield isWhole ? page : new FusedPage(page, after ?? lowest(options.partition), readRows)
        after = page.cursor
        isOver = this.fusion.isOn === isFused
        if (!isOver) break
      }
      if (isOver) return
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.keysOnly[Symbol.asyncDispose]()
    } finally {
      await this.whole[Symbol.asyncDispose]()
    }
  }

  /** The rows of a page as they are now; those that came in between are none of its own. */
  async #rowsOf(page: FusedPage, { page: limits }: ReadOptions, signal: AbortSignal): ReturnType<ReadFused> {
    const places = new Map(page.keys().map((key, i) => [JSON.stringify(key.source), i]))
    const rows: ({ row: Row } | { error: unknown } | undefined)[] = new Array(page.count).fill(undefined)
    const put = (key: readonly JsonValue[] | null, found: { row: Row } | { error: unknown }): void => {
      const place = places.get(JSON.stringify(key))
      if (place !== undefined) rows[place] = found
    }
    const partition: Partition = { id: 'page', bounds: { after: page.after, upto: page.cursor } }
    for await (const part of this.whole.read({ partition, after: null, page: limits, signal })) {
      const keys = part.keys()
      for (const [i, row] of part.rows().entries()) put(keys[i]?.source ?? null, { row })
      for (const { key, error } of part.rejected ?? []) put(key, { error })
    }
    return rows
  }
}

/** Where a partition begins, as a cursor. */
function lowest({ bounds }: Partition): JsonValue | null {
  return bounds !== null && typeof bounds === 'object' && 'after' in bounds ? (bounds.after ?? null) : null
}
