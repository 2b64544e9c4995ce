import {
  DroverError,
  delimitedForm,
  type FidelityIssue,
  type Field,
  type Operation,
  type Page,
  type RecordSchema,
  type SinkAccount,
  type SinkOperation,
  type Source,
} from '@drover/core'
import type { PostgresDatabase } from '../connection/open-postgres.js'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import type { PostgresLocation } from '../connection/postgres-location.js'
import { copyLine, sqlState } from '../errors/postgres-error.js'
import { sideEffects } from '../rehearsal/side-effects.js'
import { addColumns } from '../schema/add-columns.js'
import { readTable } from '../schema/read-table.js'
import { findColumn, type Table } from '../schema/table.js'
import { postgresSource } from '../source/postgres-source.js'
import type { StateTables } from '../state/state-tables.js'
import type { Journal } from '../undo/journal.js'
import { StageImages } from '../undo/stage-images.js'
import { CopyPage } from '../wire/copy-page.js'
import type { BatchTarget, BatchWriter, TargetRehearsal } from './batch-target.js'
import { CopyWriter, type Destination } from './copy-writer.js'
import { fidelityIssues } from './fidelity.js'
import { type IndexPolicy, TargetIndexes } from './indexes/target-indexes.js'
import { jsonStringsOf } from './json-strings.js'
import { ColumnsMissing, NewColumns, type NewColumnsPolicy } from './new-columns.js'
import { ReadyTable } from './ready-table.js'
import { setSequences } from './sequences.js'
import { Stages } from './stage.js'
import { type TargetOptions, type TargetTable, targetTable } from './target-table.js'

export interface TableTargetOptions extends Omit<TargetOptions, 'where' | 'newColumns' | 'lockTimeoutMs'> {
  readonly location: PostgresLocation
  readonly state: StateTables
  readonly indexes: IndexPolicy
  readonly newColumns: NewColumnsPolicy
  /** Keeps what rows were before; null if nobody is to undo it. */
  readonly journal: Journal | null
}

/** Writes rows into a table, by its conflict policy. */
export class TableTarget implements BatchTarget {
  readonly where: string
  readonly forms = [delimitedForm]
  /** Where something says which row is which. */
  readonly readBack?: () => Source
  #ready: Promise<ReadyTable> | undefined
  /** Once it is ready. */
  #table: ReadyTable | undefined
  #hasBegun: Promise<void> | undefined
  /**
   * Rows go straight into the table though its policy is not 'error': there were none to meet. Unknown before it is prepared, and off
   * for good once a row was refused.
   */
  #isDirect: boolean | undefined
  /** The next batch goes by a temporary table whatever the policy: COPY names one row that is refused, and where one is there may be more. */
  #names = false
  #mayStage = false
  /** What rows were before is kept by runs alone. */
  #isRehearsed = false
  /** What it was prepared for, with the fields that came up since. */
  #schema: RecordSchema | null = null

  private constructor(
    private readonly database: PostgresDatabase,
    /** As it was when the session began. */
    private readonly table: Table | null,
    private readonly options: TargetOptions & Pick<TableTargetOptions, 'location' | 'journal'>,
    private readonly indexes: TargetIndexes,
  ) {
    this.where = options.where
    const { location, table: name, key } = options
    const isKeyed = key !== undefined || table === null || table.primaryKey.length > 0 || table.uniqueKeys.length > 0
    if (isKeyed) {
      this.readBack = () => postgresSource({ ...location, table: name, ...(key === undefined ? {} : { key }) })
    }
  }

  static async of(
    database: PostgresDatabase,
    options: TableTargetOptions,
    operation: SinkOperation,
  ): Promise<TableTarget> {
    await using connection = await database.connect(operation)
    const { state, indexes: policy, location } = options
    const { lockTimeoutMs } = location
    const where = `table "${options.table}" of ${database.name}`
    const indexes = new TargetIndexes(database, { policy, state, lockTimeoutMs, where, voice: operation })
    const newColumns = new NewColumns(options.newColumns, where, operation)
    const target = { ...options, where, newColumns, lockTimeoutMs }
    return new TableTarget(database, await readTable(connection, options.table), target, indexes)
  }

  check(schema: RecordSchema): readonly FidelityIssue[] {
    return this.table === null ? [] : fidelityIssues(schema, this.table, this.options.coerce)
  }

  get account(): SinkAccount | undefined {
    return this.options.newColumns.account
  }

  async prepare(schema: RecordSchema, operation: Operation): Promise<void> {
    await this.#prepared(schema, operation)
  }

  /** Pages of Postgres, if the table has columns of the same types. */
  takes(page: Page): boolean {
    return page instanceof CopyPage && this.#table?.rawShape(page.layout) !== undefined
  }

  /** Once, whichever partition comes first. */
  beforeRows(operation: Operation): Promise<void> {
    this.#hasBegun ??= this.#begin(operation).catch((error: unknown) => {
      this.#hasBegun = undefined
      throw error
    })
    return this.#hasBegun
  }

  /** Adds the columns that records need; sees those that somebody else has added meanwhile. */
  async mend(error: unknown, operation: Operation): Promise<unknown> {
    const { newColumns, table: name, lockTimeoutMs } = this.options
    const hasMet = this.#hasMetRow(error)
    if (DroverError.isInstance(error, 'RECORD_REFUSED')) {
      this.#isDirect = false
      this.#names = this.#mayStage && copyLine(error.cause) !== undefined
    }
    if (hasMet) {
      const why = 'a row of the batch has the key of another one; from now on rows go through a temporary table'
      return new DroverError('BATCH_AGAIN', `${this.where}: ${why}.`, { cause: error })
    }
    const cause = error instanceof ColumnsMissing ? error : (error as Error).cause
    if (!(cause instanceof ColumnsMissing)) return error
    await using connection = await this.database.connect(operation)
    const table = await readTable(connection, name)
    if (table === null) return error
    const missing = cause.fields.filter((field) => findColumn(table.columns, field.name) === undefined)
    if (missing.length > 0) {
      if (newColumns.policy !== 'add') return error
      await addColumns(connection, table, missing, lockTimeoutMs)
      newColumns.add(missing)
    }
    this.#schema = withFields(this.#schema, cause.fields)
    // Not before it is there: batches that are open do not wait for it, and it may wait for these.
    const ready = await this.#prepare(this.#schema, connection)
    this.#ready = Promise.resolve(ready)
    const names = cause.fields.map((field) => `"${field.name}"`).join(', ')
    const said = `${this.where} has got columns for the fields ${names}`
    return new DroverError('BATCH_AGAIN', `${said}; the batch is written again.`, { cause: error })
  }

  begin(connection: PostgresConnection, operation: Operation, mode: 'commit' | 'probe'): BatchWriter {
    const ready = (): Promise<ReadyTable> => this.#prepared(null, operation)
    // The search that a probe belongs to is for what could not be named.
    const names = mode === 'commit'
    return new CopyWriter(connection, ready, (table) => this.#destination(connection, table, names))
  }

  async rehearsal(
    schema: RecordSchema,
    connection: PostgresConnection,
    operation: Operation,
  ): Promise<TargetRehearsal> {
    const { table: name, newColumns } = this.options
    const found = await readTable(connection, name)
    const missing = schema.fields.filter(
      (field) => found !== null && findColumn(found.columns, field.name) === undefined,
    )
    if (found !== null && newColumns.policy === 'add' && missing.length > 0) {
      const creates = missing.map((field) => `column "${field.name}" of table "${name}"`)
      return { creates, writer: { notWritten: 'its table would get columns, and be locked for everybody meanwhile' } }
    }
    this.#isRehearsed = true
    this.#schema = schema
    const ready = await this.#prepare(schema, connection)
    this.#ready = Promise.resolve(ready)
    const notWritten = await sideEffects(connection, ready.table, schema.fields)
    return {
      creates: found === null ? [`table "${name}"`] : [],
      writer: notWritten === null ? this.begin(connection, operation, 'commit') : { notWritten },
    }
  }

  async finish(outcome: 'completed' | 'stopped' | 'failed', { signal }: Operation): Promise<void> {
    const table = await this.#current({ signal })
    if (table === null) return
    await this.indexes.end(table, outcome, { signal })
    if (outcome === 'failed') return
    await using connection = await this.database.connect({ signal })
    await setSequences(connection, table)
  }

  /** Whether a row that went straight into the table met another one; several partitions may meet one before the first has said so. */
  #hasMetRow(error: unknown): boolean {
    const { cause } = error as Error
    const isInCopy = this.options.onConflict !== 'error' && copyLine(cause) !== undefined
    return (this.#isDirect === true || isInCopy) && sqlState(cause) === uniqueViolation
  }

  async #current(operation: Operation): Promise<Table | null> {
    await using connection = await this.database.connect(operation)
    return await readTable(connection, this.options.table)
  }

  async #begin(operation: Operation): Promise<void> {
    const { table } = await this.#prepared(null, operation)
    await this.indexes.begin(table, operation)
  }

  #destination(connection: PostgresConnection, ready: ReadyTable, names: boolean): Destination {
    const { table, policy, hasRowSecurity } = ready
    const isDirect = policy.kind === 'error' ? !(names && this.#names) : this.#isDirect === true
    if (names) this.#names = false
    const images = this.#imagesOf(ready)
    if (!isDirect || hasRowSecurity || images !== undefined) {
      return new Stages(connection, ready, { doing: `writing to ${this.where}`, names, images })
    }
    return {
      open: async () => ({
        table: table.sql,
        close: async (rows, copied) => ({ inserted: copied, updated: 0, skipped: rows - copied }),
      }),
    }
  }

  #imagesOf({ table, policy }: TargetTable): StageImages | undefined {
    const { journal, key } = this.options
    const images = journal === null ? undefined : new StageImages(journal, table, policy, key, this.where)
    return this.#isRehearsed ? undefined : images
  }

  /** Once; without a schema the table must be there. */
  #prepared(schema: RecordSchema | null, operation: Operation): Promise<ReadyTable> {
    this.#ready ??= this.#prepareFor(schema, operation).catch((error: unknown) => {
      this.#ready = undefined
      throw error
    })
    return this.#ready
  }

  async #prepareFor(schema: RecordSchema | null, { signal }: Operation): Promise<ReadyTable> {
    await using connection = await this.database.connect({ signal })
    this.#schema = schema
    return await this.#prepare(schema, connection)
  }

  async #prepare(schema: RecordSchema | null, connection: PostgresConnection): Promise<ReadyTable> {
    const { table, policy } = await targetTable(connection, this.options, schema)
    this.#imagesOf({ table, policy })
    const { rows } = await connection.query<{ active: boolean; temporary: boolean }>(
      `SELECT row_security_active($1::oid) AS active, has_database_privilege(current_database(), 'TEMPORARY') AS temporary`,
      [table.oid],
    )
    this.#mayStage = rows[0]?.temporary === true
    this.#isDirect ??= policy.kind !== 'error' && (await isEmpty(connection, table))
    const { where, invalidText, coerce, json, newColumns } = this.options
    this.#table = new ReadyTable({
      table,
      policy,
      where,
      invalidText,
      coerce,
      newColumns,
      jsonStrings: jsonStringsOf(json, schema),
      fields: schema?.fields.map(({ name }) => name) ?? [],
      hasRowSecurity: rows[0]?.active === true,
    })
    return this.#table
  }
}

function withFields(schema: RecordSchema | null, added: readonly Field[]): RecordSchema | null {
  if (schema === null) return null
  const isKnown = ({ name }: Field): boolean => schema.fields.some((field) => field.name === name)
  return { ...schema, fields: [...schema.fields, ...added.filter((field) => !isKnown(field))] }
}

/** Of what other transactions have committed. */
async function isEmpty(connection: PostgresConnection, { sql }: Table): Promise<boolean> {
  const { rows } = await connection.query<{ empty: boolean }>(`SELECT NOT EXISTS (SELECT FROM ${sql}) AS empty`)
  return rows[0]?.empty === true
}

const uniqueViolation = '23505'
