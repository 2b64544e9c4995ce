import { DroverError, type Outcome } from '@drover/core'
import type { QueryResult } from 'pg'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { quoteName } from '../connection/quote-name.js'
import { valueParsers } from '../connection/value-parsers.js'
import { sqlState } from '../errors/postgres-error.js'
import type { StageImages } from '../undo/stage-images.js'
import type { Destination, Opened } from './copy-writer.js'
import { insertKeepingSql, insertSql, type KeptBefore, type Merge, upsertSql } from './merge-sql.js'
import type { ReadyTable } from './ready-table.js'
import { refusedRows } from './refused-rows.js'
import type { Shape } from './shapes.js'

interface Upserted {
  readonly inserted: number
  readonly updated: number
  /** Keys, where several rows may have one. */
  readonly distinct?: number
  /** Updated rows that were not kept before. */
  readonly unseen?: number
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
      /** Keeps what rows were before. */
      readonly images?: StageImages | undefined
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
    const before = await this.#keep(merge)
    if ((kind === 'error' || kind === 'skip') && before !== undefined) {
      const { inserted } = upserted(await this.#guarded(insertKeepingSql(merge, before)))
      return { inserted, updated: 0, skipped: rows - inserted }
    }
    if (kind === 'error' || kind === 'skip') {
      const { count } = await this.#guarded(insertSql(merge))
      return { inserted: count, updated: 0, skipped: rows - count }
    }
    const { inserted, updated, distinct = copied } = await this.#upsert(merge, before)
    // A row whose key another row of the batch has too came after that one, and updated it.
    const again = copied - distinct
    return { inserted, updated: updated + again, skipped: rows - inserted - updated - again }
  }

  /** That several rows have one key is rare in a batch; the failure that tells of it costs nothing where there are none. */
  async #upsert(merge: Merge, before: KeptBefore | undefined): Promise<Upserted> {
    try {
      return this.#seen(upserted(await this.#guarded(upsertSql(merge, false, before))))
    } catch (error) {
      if (sqlState((error as Error).cause) !== cardinalityViolation) throw error
    }
    await this.#undo()
    return this.#seen(upserted(await this.#guarded(upsertSql(merge, true, before))))
  }

  /** Rows that are there, as far as they are to be kept for an undo. Locked from now on. */
  async #keep({ policy, stage }: Merge): Promise<KeptBefore | undefined> {
    const { images, doing } = this.options
    if (images === undefined) return undefined
    if (policy.kind === 'error' || policy.kind === 'skip') return { images, kept: null }
    const { sql, kept } = images.keepSql(stage)
    await this.connection.exec(sql, { doing })
    return { images, kept }
  }

  /** Somebody may insert a row between the look at those that are there and the merge. */
  #seen(counted: Upserted): Upserted {
    if ((counted.unseen ?? 0) === 0) return counted
    const why = `somebody else has inserted ${counted.unseen} of its rows just now`
    throw new DroverError(
      'BATCH_AGAIN',
      `${this.options.doing}: ${why}; the batch is written again, to keep what they were.`,
    )
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
