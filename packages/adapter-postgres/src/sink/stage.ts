import type { Outcome } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { quoteName } from '../connection/quote-name.js'
import { valueParsers } from '../connection/value-parsers.js'
import { sqlState } from '../errors/postgres-error.js'
import type { Destination, Opened } from './copy-writer.js'
import { insertSql, type Merge, upsertSql } from './merge-sql.js'
import type { ReadyTable } from './ready-table.js'
import type { Shape } from './shapes.js'

interface Upserted {
  readonly inserted: number
  readonly updated: number
  /** Keys, where several rows may have one. */
  readonly distinct?: number
}

/** For rows that may meet others: they are copied into a temporary table, and one INSERT … ON CONFLICT takes them from there. */
export class Stages implements Destination {
  /** By their columns, for the time of the transaction. */
  readonly #stages = new Map<string, string>()

  constructor(
    private readonly connection: PostgresConnection,
    private readonly ready: ReadyTable,
    private readonly doing: string,
  ) {}

  async open(shape: Shape): Promise<Opened> {
    const { table, policy } = this.ready
    const stage = await this.#stageFor(shape)
    const merge = { table, policy, columns: shape.columns, stage }
    return { table: stage, close: (rows, copied) => this.#merge(merge, rows, copied) }
  }

  /** A temporary table that is dropped with the transaction works behind a pooler, and leaves nothing on a connection of the application. */
  async #stageFor({ id, columns }: Shape): Promise<string> {
    const { doing } = this
    const known = this.#stages.get(id)
    if (known !== undefined) {
      await this.connection.exec(`TRUNCATE ${known}`, { doing })
      return known
    }
    const name = `drover_stage_${this.#stages.size + 1}`
    const definitions = columns.map(({ name: column, native, collation }) => {
      return `${quoteName(column)} ${native}${collation === null ? '' : ` COLLATE ${collation.sql}`}`
    })
    await this.connection.exec(`CREATE TEMPORARY TABLE ${name} (${definitions.join(', ')}) ON COMMIT DROP`, { doing })
    const stage = `pg_temp.${name}`
    this.#stages.set(id, stage)
    return stage
  }

  async #merge(merge: Merge, rows: number, copied: number): Promise<Outcome> {
    const { kind } = merge.policy
    if (kind === 'error' || kind === 'skip') {
      const { count } = await this.connection.query(insertSql(merge), [], { doing: this.doing })
      return { inserted: count, updated: 0, skipped: rows - count }
    }
    const { inserted, updated, distinct = copied } = await this.#upsert(merge)
    // A row whose key another row of the batch has too came after that one, and updated it.
    const again = copied - distinct
    return { inserted, updated: updated + again, skipped: rows - inserted - updated - again }
  }

  /** That several rows have one key is rare in a batch; the failure that tells of it costs nothing where there are none. */
  async #upsert(merge: Merge): Promise<Upserted> {
    const savepoint = 'drover_merge'
    try {
      return await this.#count(`SAVEPOINT ${savepoint}; ${upsertSql(merge, false)}; RELEASE SAVEPOINT ${savepoint}`)
    } catch (error) {
      if (sqlState((error as Error).cause) !== cardinalityViolation) throw error
    }
    await this.connection.exec(`ROLLBACK TO SAVEPOINT ${savepoint}`, { doing: this.doing })
    return this.#count(upsertSql(merge, true))
  }

  /** The one row that these statements give. */
  async #count(text: string): Promise<Upserted> {
    const answer = await this.connection.run(this.doing, (client) =>
      client.query({ text, types: valueParsers } as { text: string }),
    )
    const results = [answer].flat() as unknown as readonly { readonly rows: readonly Upserted[] }[]
    const [counted] = results.flatMap(({ rows }) => rows)
    return counted ?? { inserted: 0, updated: 0 }
  }
}

/** "ON CONFLICT DO UPDATE command cannot affect row a second time" */
const cardinalityViolation = '21000'
