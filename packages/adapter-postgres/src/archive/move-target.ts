import { DroverError, type Operation, type Outcome, type Page, type RecordSchema, type Row } from '@drover/core'
import { binaryArray } from '../backfill/binary-array.js'
import { boundColumns, columnSql, conditions, places, type UpdatePlan, unnested } from '../backfill/update-plan.js'
import type { PostgresDatabase } from '../connection/open-postgres.js'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { quoteName } from '../connection/quote-name.js'
import type { BatchTarget, BatchWriter } from '../sink/batch-target.js'
import { rowRefused } from '../wire/row-refused.js'
import { WireBuffer } from '../wire/wire-buffer.js'
import type { ArchivePlan } from './archive-plan.js'
import { type ArchiveTable, archiveTable } from './archive-table.js'
import { refersSql } from './dependents.js'

export interface MoveTargetOptions {
  readonly database: PostgresDatabase
  readonly plan: ArchivePlan
  /** Name of the archive table. */
  readonly to: string
  readonly createTable: boolean
}

/** Moves rows into another table of the same database: one DELETE and INSERT for each page of keys. */
export class MoveTarget implements BatchTarget {
  readonly where: string
  #archive: Promise<ArchiveTable> | undefined

  constructor(private readonly options: MoveTargetOptions) {
    this.where = options.plan.where
  }

  async prepare(_schema: RecordSchema, operation: Operation): Promise<void> {
    await this.#prepared(operation)
  }

  begin(connection: PostgresConnection, operation: Operation): BatchWriter {
    return new MoveWriter(connection, this.options.plan, () => this.#prepared(operation))
  }

  #prepared(operation: Operation): Promise<ArchiveTable> {
    this.#archive ??= this.#prepare(operation).catch((error: unknown) => {
      this.#archive = undefined
      throw error
    })
    return this.#archive
  }

  async #prepare(operation: Operation): Promise<ArchiveTable> {
    const { database, plan, to, createTable } = this.options
    await using connection = await database.connect(operation)
    const key = plan.key.map(({ name }) => name)
    return await archiveTable(connection, { name: to, source: plan.source, key, create: createTable })
  }
}

interface Moved {
  readonly gone: number
  readonly kept: number
}

class MoveWriter implements BatchWriter {
  readonly #out = new WireBuffer(16 * 1024)
  #rows = 0
  #moved = 0

  constructor(
    private readonly connection: PostgresConnection,
    private readonly plan: ArchivePlan,
    private readonly archive: () => Promise<ArchiveTable>,
  ) {}

  async write(page: Page<Row>): Promise<void> {
    const records = page.rows()
    if (records.length === 0) return
    const { plan } = this
    const archive = await this.archive()
    const free = plan.dependents.length > 0 ? await this.#withoutReferred(records) : records
    this.#moved += free.length === 0 ? 0 : await this.#move(free, archive)
    this.#rows += records.length
  }

  async end(): Promise<Outcome> {
    return { inserted: this.#moved, updated: 0, skipped: this.#rows - this.#moved }
  }

  async abandon(): Promise<void> {}

  async #move(records: readonly Row[], archive: ArchiveTable): Promise<number> {
    const { connection, plan } = this
    const doing = `moving rows of ${plan.where} to ${archive.shown}`
    const { rows } = await connection.query<Moved>(moveSql(plan, archive), this.#values(records), { doing })
    const { gone = 0, kept = 0 } = rows[0] ?? {}
    if (gone === kept) return kept
    throw new DroverError(
      'SINK_NOT_READY',
      `${archive.shown} took ${kept} of ${gone} rows, because a trigger of it leaves rows out; nothing of this batch was moved. Let the trigger keep them, or name another table.`,
    )
  }

  #values(records: readonly Row[]): unknown[] {
    const { key, where } = this.plan
    const arrays: unknown[] = boundColumns(this.plan, []).map((column) => {
      const refused = (error: unknown, at: number): unknown =>
        rowRefused(error, { name: column.name, type: column.wire }, where, this.#rows + at)
      const own = records.map((row) => row[column.name])
      return binaryArray(column.element, own, this.#out, refused)
    })
    // The first and the last key, so that PostgreSQL reads that range of the index.
    const edges = [records[0], records.at(-1)].flatMap((row) =>
      key.map(({ name, element }) => element.codec.text((row as Row)[name])),
    )
    return [...arrays, ...edges]
  }

  /**
   * Locks the rows and gives those that it got. What PostgreSQL would delete or change together with a row would be in no archive; once a
   * row is locked nobody can begin to refer to it, so what the second statement sees is all there is.
   *
   * @throws `RECORD_REFUSED` for one that is referred to
   */
  async #withoutReferred(records: readonly Row[]): Promise<readonly Row[]> {
    const { connection, plan } = this
    const values = this.#values(records)
    const doing = `looking for rows that refer to rows of ${plan.where}`
    const locked = await connection.query<{ place: number }>(lockSql(plan), values, { doing })
    for (const dependent of plan.dependents) {
      const sql = referredSql(plan, refersSql(dependent, plan.table))
      const { rows } = await connection.query<{ place: number; key: string }>(sql, values, { doing })
      const [found] = rows
      if (found === undefined) continue
      throw new DroverError(
        'RECORD_REFUSED',
        `${plan.where}: the row with the key (${found.key}) stays, because rows of ${dependent.table} refer to it by (${dependent.columns.join(', ')}) and would be deleted or changed with it. Archive those first.`,
        { row: this.#rows + found.place - 1 },
      )
    }
    const places = locked.rows.map(({ place }) => place).sort((a, b) => a - b)
    return places.map((place) => records[place - 1] as Row)
  }
}

function joined(plan: UpdatePlan): string {
  const bound = boundColumns(plan, [])
  const records = `${unnested(bound)} WITH ORDINALITY AS drover_u (${places(bound)}, drover_at)`
  return `${plan.table.sql} JOIN ${records} ON ${conditions(plan, bound, 'drover_u')}`
}

function lockSql(plan: UpdatePlan): string {
  const how = plan.skipLocked === null ? '' : ' SKIP LOCKED'
  return `SELECT drover_at AS place FROM ${joined(plan)} FOR UPDATE OF ${quoteName(plan.table.name)}${how}`
}

function referredSql(plan: UpdatePlan, refers: string): string {
  const key = plan.key.map((column) => `${columnSql(plan.table, column)}::text`).join(` || ', ' || `)
  return `SELECT drover_at AS place, ${key} AS key FROM ${joined(plan)} WHERE ${refers} ORDER BY drover_at LIMIT 1`
}

/** One statement: what it deletes is what it inserts, whatever others do meanwhile. */
function moveSql(plan: UpdatePlan, { sql, columns, isOverriding }: ArchiveTable): string {
  const bound = boundColumns(plan, [])
  const table = quoteName(plan.table.name)
  const records = `${unnested(bound)} AS drover_u (${places(bound)})`
  const isLocking = plan.skipLocked !== null
  const locked = `drover_l AS MATERIALIZED (SELECT drover_u.* FROM ${plan.table.sql} JOIN ${records}
    ON ${conditions(plan, bound, 'drover_u')} FOR UPDATE OF ${table} SKIP LOCKED), `
  const using = isLocking ? 'drover_l' : records
  const names = columns.map(quoteName).join(', ')
  const returned = columns.map((name) => `${table}.${quoteName(name)}`).join(', ')
  const overriding = isOverriding ? ' OVERRIDING SYSTEM VALUE' : ''
  return `WITH ${isLocking ? locked : ''}drover_gone AS (
      DELETE FROM ${plan.table.sql} USING ${using} WHERE ${conditions(plan, bound, isLocking ? 'drover_l' : 'drover_u')}
      RETURNING ${returned}),
    drover_kept AS (INSERT INTO ${sql} (${names})${overriding} SELECT ${names} FROM drover_gone RETURNING 1)
    SELECT (SELECT count(*) FROM drover_gone) AS gone, (SELECT count(*) FROM drover_kept) AS kept`
}
