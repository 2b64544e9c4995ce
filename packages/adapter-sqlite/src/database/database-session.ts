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
import { openSqlite } from '../connection/open-sqlite.js'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { openUnchanged } from '../rehearsal/open-unchanged.js'
import { sqliteSink } from '../sink/sqlite-sink.js'
import { sqliteSource } from '../source/sqlite-source.js'
import { openWriter, type WriterLocation } from '../writer/open-writer.js'
import { createTables } from './create-tables.js'
import { refuseBrokenKeys } from './foreign-key-check.js'
import { readContents } from './read-contents.js'
import { tableProblems } from './table-problems.js'

export interface SessionOptions {
  readonly location: WriterLocation
  readonly tablePrefix: string | undefined
}

export async function openSession(
  options: SessionOptions,
  { role, rehearses }: SinkOperation & { readonly role: 'from' | 'to' },
): Promise<DatabaseSession> {
  const { synchronous: _, ...location } = options.location
  if (role === 'from') {
    const connection = await openSqlite({ ...location, readonly: true })
    return new SqliteSession(options, connection, connection)
  }
  if (rehearses === true) {
    const unchanged = await openUnchanged(options.location, true)
    return new SqliteSession(options, unchanged.connection, unchanged)
  }
  const connection = await openWriter(options.location)
  return new SqliteSession(options, connection, connection)
}

class SqliteSession implements DatabaseSession {
  constructor(
    private readonly options: SessionOptions,
    private readonly connection: SqliteConnection,
    private readonly opened: AsyncDisposable,
  ) {}

  tables(): Promise<DatabaseContents> {
    return readContents(this.connection, this.options.tablePrefix)
  }

  source({ name }: DatabaseTable): Source<Row> {
    const { synchronous: _, ...location } = this.options.location
    return sqliteSource({ ...location, table: name })
  }

  examine(
    tables: readonly DatabaseTable[],
    options: TableWriting & { readonly isFresh: boolean },
  ): Promise<TableFindings> {
    return tableProblems(this.connection, tables, { ...options, tablePrefix: this.options.tablePrefix })
  }

  prepare(tables: readonly DatabaseTable[], { foreignKeys }: TableWriting): Promise<void> {
    return createTables(this.connection, tables, foreignKeys)
  }

  /** Rows may come before those that they refer to. */
  sink({ name }: DatabaseTable, { onConflict }: TableWriting): ExactSink<Row> {
    const { location, tablePrefix } = this.options
    return sqliteSink<Row>({
      ...location,
      table: name,
      onConflict,
      createTable: false,
      foreignKeys: false,
      ...(tablePrefix === undefined ? {} : { tablePrefix }),
    })
  }

  async finish(tables: readonly DatabaseTable[], { foreignKeys }: Operation & TableWriting): Promise<void> {
    if (foreignKeys) await refuseBrokenKeys(this.connection, tables)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.opened[Symbol.asyncDispose]()
  }
}
