import type { Filter, MaybePromise, Row, ThrottleOptions } from '@drover/core'

/** A backfill in a revision: rows of one table changed where they stand, by the adapter's own backfiller. It is throttled, and resumed after a kill. */
export interface MigrationBackfill extends Pick<ThrottleOptions, 'adaptive' | 'signals' | 'windows'> {
  /** Its name in the state store: `ensureFinished` and `requires` ask for it. */
  readonly name: string
  readonly table: string
  /** @default the primary key */
  readonly key?: string | readonly string[]
  readonly sets: readonly string[]
  /** Rows that need it. */
  readonly where?: Filter | string
  readonly reads?: readonly string[] | Readonly<Record<string, string>>
  /** Computes the new values of a row, or SQL by column. */
  readonly set: ((row: Row) => MaybePromise<object | null>) | Readonly<Record<string, string>>
  readonly batchSize?: number
  readonly recordsPerSecond?: number
  readonly version?: string
}
