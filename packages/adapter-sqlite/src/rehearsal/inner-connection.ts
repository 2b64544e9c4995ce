import type { MaybePromise } from '@drover/core'
import type {
  NativeHandle,
  ReadStatementOptions,
  SqliteChange,
  SqliteConnection,
  SqliteDriver,
  SqliteObjects,
  SqliteValue,
  TransactionOptions,
} from '../connection/sqlite-connection.js'

/** A connection on which a transaction is open already: those of others are part of it, and nothing is committed. */
export class InnerConnection implements SqliteConnection {
  readonly driver: SqliteDriver
  readonly native: NativeHandle
  readonly toKnex: SqliteConnection['toKnex']
  /** Its writers wait for nobody. */
  readonly database = this
  readonly path: string | null
  readonly isReadonly = false

  constructor(
    private readonly outer: SqliteConnection,
    readonly name: string,
  ) {
    this.driver = outer.driver
    this.native = outer.native
    this.toKnex = outer.toKnex
    this.path = outer.path
  }

  all(sql: string, values?: readonly SqliteValue[], options?: ReadStatementOptions): MaybePromise<SqliteValue[][]> {
    return this.outer.all(sql, values, options)
  }

  get(
    sql: string,
    values?: readonly SqliteValue[],
    options?: ReadStatementOptions,
  ): MaybePromise<SqliteValue[] | undefined> {
    return this.outer.get(sql, values, options)
  }

  each(
    sql: string,
    values: readonly SqliteValue[],
    visit: (row: readonly unknown[]) => boolean,
    options?: ReadStatementOptions,
  ): MaybePromise<void> {
    return this.outer.each(sql, values, visit, options)
  }

  run(sql: string, values?: readonly SqliteValue[]): MaybePromise<SqliteChange> {
    return this.outer.run(sql, values)
  }

  objects(sql: string, values?: readonly SqliteValue[]): MaybePromise<SqliteObjects> {
    return this.outer.objects(sql, values)
  }

  exec(sql: string): MaybePromise<void> {
    return this.outer.exec(sql)
  }

  async transaction<T>(work: () => MaybePromise<T>, { end = 'commit' }: TransactionOptions = {}): Promise<T> {
    if (end === 'commit') return await work()
    await this.outer.exec('SAVEPOINT drover_inner')
    try {
      return await work()
    } finally {
      await this.outer.exec('ROLLBACK TO drover_inner; RELEASE drover_inner')
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
