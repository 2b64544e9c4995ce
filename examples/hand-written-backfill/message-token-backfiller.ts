import type { Backfiller, BackfillResult, Cursor } from '@drover/core'
import knex, { type Knex } from 'knex'

/**
 * The class of the document, with its five methods: `run` is Drover's, the other four are written here. Everything that
 * changes a record goes through `tx`, in which the position is stored too: that is why each batch happens once.
 */
export class MessageTokenBackfiller implements Backfiller<Knex.Transaction> {
  readonly name = 'hand-written-message-tokens'
  readonly version = '1'
  readonly #filename: string
  #db: Knex | undefined

  constructor(filename: string) {
    this.#filename = filename
  }

  async setup(): Promise<void> {
    this.#db = knex({ client: 'better-sqlite3', connection: { filename: this.#filename }, useNullAsDefault: true })
  }

  /** count_records_to_backfill: the total of the progress line. */
  async count(): Promise<{ value: number; exact: boolean }> {
    if (this.#db === undefined) throw new Error('count() needs setup() before it')
    const [waiting] = await this.#db('conversation_history').where(isWaiting).count({ count: '*' })
    return { value: Number(waiting?.count), exact: true }
  }

  /** A property, so that a method with other parameters does not compile. */
  readonly backfillBatch = async (batch: {
    after: Cursor | null
    limit: number
    tx: Knex.Transaction
  }): Promise<BackfillResult> => {
    const { after, limit, tx } = batch
    // Behind a key, never at an offset: rows leave the predicate as they are updated, and an offset would skip as many.
    const rows = await tx('conversation_history')
      .select<{ id: number; content: string }[]>('id', 'content')
      .where(isWaiting)
      .where('id', '>', Number(after ?? 0))
      .orderBy('id')
      .limit(limit)
    let changed = 0
    for (const { id, content } of rows) {
      // The predicate again: a count that the application wrote meanwhile stays.
      changed += await tx('conversation_history')
        .where({ id })
        .where(isWaiting)
        .update({ token_count: estimateTokens(content) })
    }
    return { scanned: rows.length, changed, cursor: rows.at(-1)?.id ?? after, done: rows.length < limit }
  }

  async teardown(): Promise<void> {
    await this.#db?.destroy()
  }
}

function isWaiting(query: Knex.QueryBuilder): void {
  query.where('token_count', 0).whereNot('content', '')
}

/** About four characters per token. */
function estimateTokens(content: string): number {
  return Math.max(1, Math.floor([...content].length / 4))
}
