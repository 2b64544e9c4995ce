import { DroverError, type Outcome } from '@drover/core'
import type { QueryResult } from 'pg'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { quoteName } from '../connection/quote-name.js'
import { valueParsers } from '../connection/value-parsers.js'
import { sqlState } from '../errors/postgres-error.js'
import type { Destination, Opened } from './copy-writer.js'
import { insertSql, type Merge, upsertSql } from './merge-sql.js'
import type { ReadyTable } from './ready-table.js'
import { refusedRows } from './refused-rows.js'
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
    private readonly options: {
      readonly doing: string
      /** Whether an error is to name the rows that are refused; what was written in the transaction is lost with it. */
      readonly names: boolean
    },
  ) {}

  async open(shape: Shape, first: number): Promise<Opened> {
    const { table, policy } = this.ready
    const stage = await this.#stageFor(shape)
    const merge = { table, policy, columns: shape.columns, stage }
    const close = async (rows: number, copied: number): Promise<Outcome> => {
      try {
        return await this.#merge(merge, rows, copied)
      } catch (error) {
        throw await this.#named(error, merge, first)
      }
    }
    return { table: stage, close }
  }

  /** A temporary table that is dropped with the transaction works behind a pooler, and leaves nothing on a connection of the application. */
  async #stageFor({ id, columns }: Shape): Promise<string> {
    const { doing } = this.options
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
      const { count } = await this.#guarded(insertSql(merge))
      return { inserted: count, updated: 0, skipped: rows - count }
    }
    const { inserted, updated, distinct = copied } = await this.#upsert(merge)
    // A row whose key another row of the batch has too came after that one, and updated it.
    const again = copied - distinct
    return { inserted, updated: updated + again, skipped: rows - inserted - updated - again }
  }

  /** That several rows have one key is rare in a batch; the failure that tells of it costs nothing where there are none. */
  async #upsert(merge: Merge): Promise<Upserted> {
    try {
      return upserted(await this.#guarded(upsertSql(merge, false)))
    } catch (error) {
      if (sqlState((error as Error).cause) !== cardinalityViolation) throw error
    }
    await this.#undo()
    return upserted(await this.#guarded(upsertSql(merge, true)))
  }

  /** A statement that fails leaves the stage as it was. */
  async #guarded(sql: string): Promise<Answered> {
    const text = `SAVEPOINT ${savepoint}; ${sql}; RELEASE SAVEPOINT ${savepoint}`
    const answer = await this.connection.run(this.options.doing, (client) =>
      client.query({ text, types: valueParsers } as { text: string }),
    )
    const [, said] = answer as unknown as readonly QueryResult[]
    return { rows: said?.rows ?? [], count: said?.rowCount ?? 0 }
  }

  async #undo(): Promise<void> {
    await this.connection.exec(`ROLLBACK TO SAVEPOINT ${savepoint}`, { doing: this.options.doing })
  }

  /** The error of a merge, with all rows that are refused, if they can be had. */
  async #named(error: unknown, merge: Merge, first: number): Promise<unknown> {
    const { doing, names } = this.options
    if (!names || !DroverError.isInstance(error, 'RECORD_REFUSED')) return error
    try {
      await this.#undo()
      return (await refusedRows(this.connection, merge, { doing, first })) ?? error
    } catch {
      // A server without PL/pgSQL, a statement_timeout: the refusal stands, and its rows are searched for.
      return error
    }
  }
}

interface Answered {
  readonly rows: readonly object[]
  readonly count: number
}

function upserted({ rows }: Answered): Upserted {
  return (rows[0] as Upserted | undefined) ?? { inserted: 0, updated: 0 }
}

const savepoint = 'drover_merge'
/** "ON CONFLICT DO UPDATE command cannot affect row a second time" */
const cardinalityViolation = '21000'
