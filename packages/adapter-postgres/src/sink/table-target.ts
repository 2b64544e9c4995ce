import type { FidelityIssue, Operation, Page, RecordSchema, Source } from '@drover/core'
import type { PostgresDatabase } from '../connection/open-postgres.js'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import type { PostgresLocation } from '../connection/postgres-location.js'
import { readTable } from '../schema/read-table.js'
import type { Table } from '../schema/table.js'
import { postgresSource } from '../source/postgres-source.js'
import { CopyPage } from '../wire/copy-page.js'
import type { BatchTarget, BatchWriter } from './batch-target.js'
import { CopyWriter, type Destination } from './copy-writer.js'
import { fidelityIssues } from './fidelity.js'
import { jsonStringsOf } from './json-strings.js'
import { ReadyTable } from './ready-table.js'
import { setSequences } from './sequences.js'
import { Stages } from './stage.js'
import { type TargetOptions, targetTable } from './target-table.js'

export interface TableTargetOptions extends TargetOptions {
  readonly location: PostgresLocation
}

/** Writes rows into a table, by its conflict policy. */
export class TableTarget implements BatchTarget {
  readonly where: string
  /** Where something says which row is which. */
  readonly readBack?: () => Source
  #ready: Promise<ReadyTable> | undefined
  /** Once it is ready. */
  #table: ReadyTable | undefined

  private constructor(
    private readonly database: PostgresDatabase,
    /** As it was when the session began. */
    private readonly table: Table | null,
    private readonly options: TableTargetOptions,
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
    options: Omit<TableTargetOptions, 'where'>,
    operation: Operation,
  ): Promise<TableTarget> {
    await using connection = await database.connect(operation)
    const where = `table "${options.table}" of ${database.name}`
    return new TableTarget(database, await readTable(connection, options.table), { ...options, where })
  }

  check(schema: RecordSchema): readonly FidelityIssue[] {
    return this.table === null ? [] : fidelityIssues(schema, this.table, this.options.coerce)
  }

  async prepare(schema: RecordSchema, operation: Operation): Promise<void> {
    await this.#prepared(schema, operation)
  }

  /** Pages of Postgres, if the table has columns of the same types. */
  takes(page: Page): boolean {
    return page instanceof CopyPage && this.#table?.rawShape(page.layout) !== undefined
  }

  begin(connection: PostgresConnection, operation: Operation): BatchWriter {
    const ready = (): Promise<ReadyTable> => this.#prepared(null, operation)
    return new CopyWriter(connection, ready, (table) => this.#destination(connection, table))
  }

  async finish(outcome: 'completed' | 'stopped' | 'failed', { signal }: Operation): Promise<void> {
    if (outcome === 'failed') return
    await using connection = await this.database.connect({ signal })
    const table = await readTable(connection, this.options.table)
    if (table !== null) await setSequences(connection, table)
  }

  #destination(connection: PostgresConnection, ready: ReadyTable): Destination {
    const { table, policy, hasRowSecurity } = ready
    if (policy.kind !== 'error' || hasRowSecurity) return new Stages(connection, ready, `writing to ${this.where}`)
    return {
      open: async () => ({
        table: table.sql,
        close: async (rows, copied) => ({ inserted: copied, updated: 0, skipped: rows - copied }),
      }),
    }
  }

  /** Once; without a schema the table must be there. */
  #prepared(schema: RecordSchema | null, operation: Operation): Promise<ReadyTable> {
    this.#ready ??= this.#prepare(schema, operation).catch((error: unknown) => {
      this.#ready = undefined
      throw error
    })
    return this.#ready
  }

  async #prepare(schema: RecordSchema | null, { signal }: Operation): Promise<ReadyTable> {
    await using connection = await this.database.connect({ signal })
    const { table, policy } = await targetTable(connection, this.options, schema)
    const { rows } = await connection.query<{ active: boolean }>('SELECT row_security_active($1::oid) AS active', [
      table.oid,
    ])
    const { where, invalidText, coerce, json } = this.options
    this.#table = new ReadyTable({
      table,
      policy,
      where,
      invalidText,
      coerce,
      jsonStrings: jsonStringsOf(json, schema),
      fields: schema?.fields.map(({ name }) => name) ?? [],
      hasRowSecurity: rows[0]?.active === true,
    })
    return this.#table
  }
}
