import type { MaybePromise } from '@drover/core'
import type { NativeHandle, SqliteChange, SqliteIntegers, SqliteObjects, SqliteValue } from './sqlite-connection.js'

/** One driver's handle behind the same few calls. Errors are the driver's own here. */
export interface SqliteHandle {
  readonly native: NativeHandle
  all(sql: string, values: readonly SqliteValue[], integers: SqliteIntegers): MaybePromise<SqliteValue[][]>
  each(
    sql: string,
    values: readonly SqliteValue[],
    visit: (row: readonly unknown[]) => boolean,
    integers: SqliteIntegers,
  ): MaybePromise<void>
  run(sql: string, values: readonly SqliteValue[]): MaybePromise<SqliteChange>
  objects(sql: string, values: readonly SqliteValue[]): MaybePromise<SqliteObjects>
  exec(sql: string): MaybePromise<void>
  /** Gives its prepared statements back; the handle itself belongs to the pool. */
  release(): MaybePromise<void>
}
