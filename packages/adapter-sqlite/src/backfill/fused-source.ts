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
import { SqliteRangePage } from '../source/range-page.js'
import { extentForm } from '../source/sqlite-range.js'
import { FusedPage } from './fused-page.js'
import type { Fusion } from './fusion.js'

/** Reads rows until `set` is known to fit, from then on only where pages end, and rows again as soon as it does not. */
export class FusedSource implements SourceSession<Row> {
  constructor(
    private readonly session: SourceSession<Row>,
    private readonly fusion: Fusion,
  ) {}

  describe(operation: Operation): Promise<RecordSchema> {
    return this.session.describe(operation)
  }

  async count(options: Operation & { readonly filter?: Filter }): Promise<Count> {
    return (await this.session.count?.(options)) ?? { value: 0, exact: false }
  }

  async partition(
    options: Operation & { readonly count: number; readonly filter?: Filter },
  ): Promise<readonly Partition[]> {
    return (await this.session.partition?.(options)) ?? []
  }

  async split(
    options: Operation & { readonly partition: Partition; readonly after: JsonValue | null },
  ): Promise<readonly Partition[]> {
    return (await this.session.split?.(options)) ?? []
  }

  async *read(options: ReadOptions): AsyncGenerator<Page<Row>> {
    const { session, fusion } = this
    const wantsRows = options.forms?.length === 0
    let { after } = options
    for (;;) {
      const isFused = fusion.isOn && !wantsRows
      let isOver = true
      for await (const page of session.read({ ...options, after, ...(isFused && { forms: [extentForm] }) })) {
        yield page instanceof SqliteRangePage ? new FusedPage(page, after ?? lowest(options.partition)) : page
        after = page.cursor
        isOver = isFused === (fusion.isOn && !wantsRows)
        if (!isOver) break
      }
      if (isOver) return
    }
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.session[Symbol.asyncDispose]()
  }
}

/** Where a partition begins, as a cursor. */
function lowest({ bounds }: Partition): JsonValue | null {
  return bounds !== null && typeof bounds === 'object' && 'after' in bounds ? (bounds.after ?? null) : null
}
