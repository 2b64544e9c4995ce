import { DroverError } from '@drover/core'
import type { SchemaConnection } from '../contracts/database.js'
import type { Migration } from '../contracts/migration.js'
import type { Plan, PlannedRevision } from '../contracts/plan.js'
import { refusedOf } from '../lint/lint.js'
import { lossSaid } from '../loss/losses.js'
import { examine } from './checks.js'
import type { Recordings } from './recordings.js'

/** What would be done with these revisions, in order, and what of it is unsafe or loses something. */
export async function makePlan(
  migrations: readonly Migration[],
  direction: 'up' | 'down',
  recordings: Recordings,
  connection: SchemaConnection,
): Promise<Plan> {
  const revisions: PlannedRevision[] = []
  for (const migration of migrations) revisions.push(await recordings.planned(migration, direction))
  return { direction, revisions, ...(await examine(revisions, connection)) }
}

/** @throws `UNSAFE_REFUSED` */
export function refuseUnsafe({ findings }: Plan, allow: readonly string[]): void {
  const refused = refusedOf(findings, allow)
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
    `Nothing was run, as this would be lost: ${lost.map((loss) => `${loss.revision} drops ${lossSaid(loss)}`).join('; ')}. Back it up or archive it, or accept the loss (acceptLoss, "drover schema down --accept-loss").`,
  )
}

/** What was borne with a revision, by its author or by whoever runs it: for the journal. */
export function borne({ findings, losses }: Plan, id: string): readonly string[] {
  const unsafe = findings.filter(({ revision, severity }) => revision === id && severity === 'refuse')
  return [
    ...unsafe.map(
      ({ rule, message, assured }) =>
        `${rule}: ${message} ${assured === undefined ? 'Allowed.' : `Assured: ${assured}`}`,
    ),
    ...losses.filter(({ revision }) => revision === id).map((loss) => `lost: ${lossSaid(loss)}`),
  ]
}
