import type { Database, DatabaseSession } from '../contracts/database.js'
import type { ConnectOperation } from '../contracts/stall.js'
import { keeping } from '../engine/closing.js'
import { type CopyPlan, copyPlan, type Selection } from './copy-plan.js'

/** A database that is read from, and what is copied of it. */
export interface OpenedDatabase {
  readonly session: DatabaseSession
  readonly plan: CopyPlan
}

/** Opens the database, and looks what is there to copy. */
export async function openSource(
  database: Database,
  selection: Selection,
  operation: ConnectOperation,
): Promise<OpenedDatabase> {
  const session = await database.connect({ ...operation, role: 'from' })
  return keeping(
    session,
    async () => ({ session, plan: copyPlan(database.name, await session.tables(operation), selection) }),
    () => {}, // the first error says why
  )
}
