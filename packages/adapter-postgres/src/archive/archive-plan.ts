import { resolvePlan, type UpdateSelection } from '../backfill/resolve-plan.js'
import type { UpdatePlan } from '../backfill/update-plan.js'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { requireTable } from '../schema/read-table.js'
import type { Table } from '../schema/table.js'
import { type Dependent, dependentsOf, refuseHeirs } from './dependents.js'

/** Which rows leave a table, and what else goes with them. */
export interface ArchivePlan extends UpdatePlan {
  /** The table, with all of its columns. */
  readonly source: Table
  /** Tables whose rows PostgreSQL would delete or change with a row that leaves. */
  readonly dependents: readonly Dependent[]
}

/**
 * Finds the table that rows leave.
 *
 * @throws `SOURCE_NOT_FOUND`, `NAME_UNKNOWN`, `KEY_INVALID`, `OPTION_INVALID`, `STORE_DENIED`
 */
export async function archivePlan(connection: PostgresConnection, selection: UpdateSelection): Promise<ArchivePlan> {
  const plan = await resolvePlan(connection, selection)
  const source = await requireTable(connection, selection.table)
  await refuseHeirs(connection, source, plan.where)
  return { ...plan, source, dependents: await dependentsOf(connection, source) }
}
