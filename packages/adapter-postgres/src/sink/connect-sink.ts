import type { ExactSession, SinkOperation } from '@drover/core'
import { openPostgres, type PostgresDatabase } from '../connection/open-postgres.js'
import type { PostgresLocation } from '../connection/postgres-location.js'
import { type StateLocation, stateTables } from '../state/state-tables.js'
import type { BatchTarget } from './batch-target.js'
import { ExactWriter } from './exact-writer.js'

/** Opens a database to write to, and a session over it. */
export async function connectExactWriter<R extends object>(
  { location, state }: { readonly location: PostgresLocation; readonly state: StateLocation },
  makeTarget: (database: PostgresDatabase) => Promise<BatchTarget>,
  operation: SinkOperation,
): Promise<ExactSession<R>> {
  const database = await openPostgres(location, operation)
  database.reserve('writing', operation)
  try {
    const writer = new ExactWriter(database, stateTables(state), await makeTarget(database), location.lockTimeoutMs)
    return writer as ExactSession<object> as ExactSession<R>
  } catch (error) {
    await database[Symbol.asyncDispose]()
    throw error
  }
}
