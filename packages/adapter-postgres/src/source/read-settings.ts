import type { Operation } from '@drover/core'
import type { PostgresDatabase } from '../connection/open-postgres.js'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import type { TransactionOptions } from '../connection/transaction-options.js'
import type { CopyLayout } from '../wire/copy-layout.js'
import type { Relation } from './relation.js'
import type { SharedSnapshot } from './shared-snapshot.js'

/** What does not change from one read of a session to the next. */
export interface ReadSettings {
  readonly database: PostgresDatabase
  readonly relation: Relation
  readonly layout: CopyLayout
  readonly snapshot: SharedSnapshot | null
  readonly catchUp: boolean
  readonly newColumns: 'fail' | 'ignore'
  /** How long one statement may read; 0 is without end. */
  readonly longestReadMs: number
}

/** How transactions of the session begin. */
export function transactionOf({ snapshot }: Pick<ReadSettings, 'snapshot'>): TransactionOptions {
  return snapshot?.transaction ?? { readonly: true }
}

/** Asks something of the database, as the session sees it. */
export async function asking<T>(
  settings: ReadSettings,
  { signal }: Operation,
  work: (connection: PostgresConnection) => Promise<T>,
): Promise<T> {
  await settings.snapshot?.requireAlive()
  return await settings.database.transaction(work, { signal, ...transactionOf(settings) })
}
