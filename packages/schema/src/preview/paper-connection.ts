import { DroverError, type Row } from '@drover/core'
import type { Knex } from 'knex'
import type { SchemaConnection } from '../contracts/database.js'
import type { Dialect } from '../contracts/migration.js'
import type { StatementResult } from '../database/statement-result.js'
import { inlineValues } from '../steps/inline-values.js'

/** A connection to nothing: what is run is a line of a script. */
export class PaperConnection implements SchemaConnection {
  readonly name = 'a script'
  readonly version = 0
  readonly isInTransaction = false
  /** Since it was asked last, with values as literals and without semicolons. */
  #written: string[] = []

  constructor(readonly dialect: Dialect) {}

  take(): string[] {
    const written = this.#written
    this.#written = []
    return written
  }

  get knex(): Knex {
    throw new DroverError('CONTRACT_BROKEN', 'A script has no knex.')
  }

  async statement(sql: string, values: readonly unknown[] = []): Promise<StatementResult> {
    this.#written.push(inlineValues(sql, values, this.dialect))
    return { rows: [], count: 1 }
  }

  async query(): Promise<readonly Row[]> {
    return []
  }

  async run(sql: string, values?: readonly unknown[]): Promise<number> {
    return (await this.statement(sql, values)).count
  }

  async exec(sql: string): Promise<void> {
    await this.statement(sql)
  }

  async begin(): Promise<void> {}
  async commit(): Promise<void> {}
  async rollback(): Promise<void> {}
  async [Symbol.asyncDispose](): Promise<void> {}
}
