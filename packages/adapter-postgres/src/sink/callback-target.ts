import {
  behindRows,
  type Operation,
  type Outcome,
  type Page,
  type RecordSchema,
  type Row,
  type Source,
} from '@drover/core'
import type { PostgresDatabase } from '../connection/open-postgres.js'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import type { BatchTarget, BatchWriter, TargetRehearsal } from './batch-target.js'
import type { PostgresBatchSinkOptions } from './postgres-batch-sink.js'

/** What the caller's own statements write into: `write` of a batch sink. */
export class CallbackTarget<R extends object> implements BatchTarget {
  readonly readBack?: () => Source

  constructor(
    private readonly database: PostgresDatabase,
    readonly where: string,
    private readonly writing: PostgresBatchSinkOptions<R>,
  ) {
    if (writing.readBack !== undefined) this.readBack = writing.readBack
  }

  async prepare(_: RecordSchema, operation: Operation): Promise<void> {
    await this.database.transaction((connection) => this.writing.prepare(connection, operation), operation)
  }

  begin(connection: PostgresConnection, operation: Operation): BatchWriter {
    return new CallbackWriter(connection, this.writing, operation)
  }

  async rehearsal(_: RecordSchema, connection: PostgresConnection, operation: Operation): Promise<TargetRehearsal> {
    const creates = await this.writing.prepare(connection, operation)
    return { creates, writer: new CallbackWriter(connection, this.writing, operation) }
  }
}

class CallbackWriter<R extends object> implements BatchWriter {
  #rows = 0
  #outcome: Outcome = { inserted: 0, updated: 0, skipped: 0 }

  constructor(
    private readonly connection: PostgresConnection,
    private readonly writing: PostgresBatchSinkOptions<R>,
    private readonly operation: Operation,
  ) {}

  async write(page: Page<Row>): Promise<void> {
    const records = page.rows() as readonly object[] as readonly R[]
    if (records.length === 0) return
    try {
      const { inserted, updated, skipped } = await this.writing.write(records, this.connection, this.operation)
      const before = this.#outcome
      this.#outcome = {
        inserted: before.inserted + inserted,
        updated: before.updated + updated,
        skipped: before.skipped + skipped,
      }
    } catch (error) {
      throw behindRows(error, this.#rows)
    }
    this.#rows += records.length
  }

  async end(): Promise<Outcome> {
    return this.#outcome
  }

  async abandon(): Promise<void> {}
}
