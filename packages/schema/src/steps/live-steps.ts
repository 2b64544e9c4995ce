import { DroverError, type Logger, type Row } from '@drover/core'
import { readCatalog } from '../catalog/read-catalog.js'
import type { MigrationBackfill } from '../contracts/backfill.js'
import type { Catalog } from '../contracts/catalog.js'
import type { SchemaConnection } from '../contracts/database.js'
import type { Dialect } from '../contracts/migration.js'
import type { StepOptions, Steps } from '../contracts/steps.js'
import type { StatementResult } from '../database/statement-result.js'
import { checkOutside } from './check-outside.js'

/** Options of {@link LiveSteps}. */
export interface LiveStepsOptions {
  readonly connection: SchemaConnection
  /** As they are on the connection while the revision runs. @default 'on' */
  readonly foreignKeys?: 'on' | 'off'
  /** Of the revision. @default 'one' */
  readonly transaction?: 'one' | 'none'
  /** Its id. */
  readonly revision?: string
  readonly signal: AbortSignal
  readonly logger?: Logger
}

/** Steps that run on a connection, at once. Transactions, and what is kept of each step, are for whoever owns the connection. */
export class LiveSteps implements Steps {
  readonly dialect: Dialect
  readonly version: number
  readonly isPreview = false
  readonly isInTransaction: boolean
  readonly foreignKeys: 'on' | 'off'
  readonly revision?: string
  readonly signal: AbortSignal
  readonly #connection: SchemaConnection
  readonly #logger: Logger | undefined

  constructor({ connection, foreignKeys = 'on', transaction = 'one', revision, signal, logger }: LiveStepsOptions) {
    this.dialect = connection.dialect
    this.version = connection.version
    this.isInTransaction = transaction === 'one'
    this.foreignKeys = foreignKeys
    if (revision !== undefined) this.revision = revision
    this.signal = signal
    this.#connection = connection
    this.#logger = logger
  }

  async read(sql: string, values?: readonly unknown[]): Promise<readonly Row[]> {
    return await this.#connection.query(sql, values)
  }

  async run(sql: string, options: StepOptions = {}): Promise<number> {
    checkOutside(sql, options, this.dialect, this.isInTransaction || this.#connection.isInTransaction)
    const result: StatementResult = await this.#connection.statement(sql, options.values)
    options.onResult?.(result)
    return result.count
  }

  async catalog(): Promise<Catalog> {
    return await readCatalog((sql, values) => this.read(sql, values), this.dialect)
  }

  unseen(): void {}

  async isDone(): Promise<boolean> {
    return false
  }

  async backfill({ name }: MigrationBackfill): Promise<void> {
    throw new DroverError('CONTRACT_BROKEN', `The backfill ${name} was asked of steps that no migrator runs.`)
  }

  note(sentence: string): void {
    this.#logger?.info(sentence)
  }
}
