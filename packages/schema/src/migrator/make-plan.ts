import { DroverError, type Operation } from '@drover/core'
import type { SchemaConnection } from '../contracts/database.js'
import type { Migration } from '../contracts/migration.js'
import type { Loss, Plan, PlannedRevision } from '../contracts/plan.js'
import { findingsOf, lossesOf } from './checks.js'
import type { Recordings } from './recordings.js'

/** What would be done with these revisions, in order, and what of it is unsafe or loses something. */
export async function makePlan(
  migrations: readonly Migration[],
  direction: 'up' | 'down',
  recordings: Recordings,
  connection: SchemaConnection,
  operation: Operation,
): Promise<Plan> {
  const revisions: PlannedRevision[] = []
  for (const migration of migrations) revisions.push(await recordings.planned(migration, direction))
  return {
    direction,
    revisions,
    findings: await findingsOf(revisions),
    losses: revisions.length === 0 ? [] : await lossesOf(revisions, connection, operation),
  }
}

/** @throws `UNSAFE_REFUSED` */
export function refuseUnsafe({ findings }: Plan, allow: readonly string[]): void {
  const refused = findings.filter(
    ({ severity, rule, assured }) => severity === 'refuse' && assured === undefined && !allow.includes(rule),
  )
  if (refused.length === 0) return
  const told = refused.map(({ revision, step, rule, message }) => `${revision}, step ${step + 1} (${rule}): ${message}`)
  throw new DroverError('UNSAFE_REFUSED', `Nothing was run. ${told.join('\n')}`)
}

/** @throws `LOSS_REFUSED` */
export function refuseLosses({ losses }: Plan): void {
  const lost = losses.filter(({ isArchived, rows }) => !isArchived && rows > 0)
  if (lost.length === 0) return
  throw new DroverError(
    'LOSS_REFUSED',
    `Nothing was run, as this would be lost: ${lost.map(shownLoss).join('; ')}. Back it up or archive it, or accept the loss (acceptLoss, "drover schema down --accept-loss").`,
  )
}

/** What is lost with a revision: for the journal. */
export function shownLoss({ revision, table, column, rows, isArchived }: Loss): string {
  const what = column === undefined ? `table ${table}` : `${table}.${column}`
  return `${revision} drops ${what} with ${rows} rows that hold something${isArchived ? ', which are archived' : ''}`
}
