import type {
  DatabaseContents,
  DatabaseSession,
  DatabaseTable,
  ExactSink,
  Operation,
  Row,
  SinkOperation,
  Source,
  TableFindings,
  TableWriting,
} from '@drover/core'
import { openPostgres, type PostgresDatabase } from '../connection/open-postgres.js'
import type { PostgresLocation } from '../connection/postgres-location.js'
import { runningWaits } from '../connection/store-waits.js'
import { postgresSink } from '../sink/postgres-sink.js'
import { postgresSource } from '../source/postgres-source.js'
import type { StateLocation } from '../state/state-tables.js'
import { addForeignKeys } from './add-foreign-keys.js'
import { createTables } from './create-tables.js'
import { moveSequences } from './move-sequences.js'
import { readContents } from './read-contents.js'
import { tableProblems } from './table-problems.js'

export interface SessionOptions {
  readonly location: PostgresLocation
  readonly state: StateLocation
  readonly schema: string
}

export async function openSession(
  options: SessionOptions,
  operation: SinkOperation & { readonly role: 'from' | 'to' },
): Promise<DatabaseSession> {
  const isReadonly = operation.role === 'from' || operation.rehearses === true
  const database = await openPostgres({ ...options.location, readonly: isReadonly }, operation)
  operation.whenStalled?.((asked) => runningWaits(database, asked))
  return new PostgresSession(options, database)
}

class PostgresSession implements DatabaseSession {
  constructor(
    private readonly options: SessionOptions,
    private readonly database: PostgresDatabase,
  ) {}

  tables({ signal }: Operation): Promise<DatabaseContents> {
    const { schema, state } = this.options
    return this.database.transaction((connection) => readContents(connection, schema, state.tablePrefix), { signal })
  }

  /** A document is text on its way: it need not be parsed, and no number in it changes. */
  source({ name }: DatabaseTable): Source<Row> {
    return postgresSource({ ...this.options.location, table: this.#nameOf(name), json: 'text' })
  }

  examine(
    tables: readonly DatabaseTable[],
    { signal, ...options }: Operation & TableWriting & { readonly isFresh: boolean },
  ): Promise<TableFindings> {
    const { schema, state } = this.options
    return this.database.transaction((connection) => tableProblems(connection, tables, { ...options, schema, state }), {
      signal,
    })
  }

  async prepare(tables: readonly DatabaseTable[], { signal }: Operation & TableWriting): Promise<void> {
    const { schema } = this.options
    await this.database.transaction((connection) => createTables(connection, schema, tables), { signal })
  }

  sink({ name }: DatabaseTable, { onConflict }: TableWriting): ExactSink<Row> {
    const { location, state } = this.options
    return postgresSink<Row>({ ...location, ...state, table: this.#nameOf(name), onConflict, createTable: false })
  }

  async finish(tables: readonly DatabaseTable[], operation: Operation & TableWriting): Promise<void> {
    const { schema, location } = this.options
    await using connection = await this.database.connect(operation)
    await moveSequences(connection, schema, tables)
    if (operation.foreignKeys) await addForeignKeys(connection, schema, tables, location.lockTimeoutMs)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database[Symbol.asyncDispose]()
  }

  #nameOf(table: string): string {
    return `${this.options.schema}.${table}`
  }
}
