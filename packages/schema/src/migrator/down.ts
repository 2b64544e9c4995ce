import { checkOptionNames, checkText, DroverError, type Operation } from '@drover/core'
import type { DownOptions, MigrationReport } from '../contracts/migrator.js'
import type { Plan } from '../contracts/plan.js'
import type { RevisionGraph } from '../graph/revision-graph.js'
import { refuseEdited } from './edited.js'
import { borne, makePlan, refuseLosses } from './make-plan.js'
import { type RevisionReport, runRevision, wayBack } from './run-revision.js'
import { backUpBefore } from './safeguards.js'
import { type Session, type Tools, working } from './session.js'
import type { Standing } from './standing.js'
import { readOn, standingOf } from './standing-of.js'

/** Takes back what is above the target, as the only one. */
export async function down(
  graph: RevisionGraph,
  tools: Tools,
  options: DownOptions,
  operation: Operation,
): Promise<MigrationReport> {
  checkOptionNames('down', options, ['to', 'plan', 'acceptLoss', 'backup', 'signal'])
  checkText('down', 'to', options.to)
  const began = performance.now()
  if (options.plan === true) {
    await using connection = await tools.database.connect(operation)
    const { plan, standing } = await planDown(graph, { ...tools, connection }, options)
    const heads = graph.headsOf(standing.known)
    return { direction: 'down', revisions: [], plan, heads, durationMs: performance.now() - began }
  }
  return working(tools, operation, 'down', async (session) => {
    const { plan, standing } = await planDown(graph, session, options)
    if (options.acceptLoss !== true) refuseLosses(plan)
    const safe = await backUpBefore(session, options.backup, plan)
    const revisions: RevisionReport[] = []
    const applied = new Set(standing.known)
    for (const { migration } of plan.revisions) {
      const done = await runRevision(session, migration, 'down', borne(plan, migration.id))
      applied.delete(migration.id)
      if (done === null) continue
      revisions.push(done)
      session.logger?.info(`${migration.id}: taken back in ${Math.round(done.durationMs)} ms`)
    }
    const heads = graph.headsOf(applied)
    return { direction: 'down', revisions, plan, ...safe, heads, durationMs: performance.now() - began }
  })
}

async function planDown(
  graph: RevisionGraph,
  tools: Tools & Pick<Session, 'connection'>,
  { to }: DownOptions,
): Promise<{ readonly plan: Plan; readonly standing: Standing }> {
  const { connection, recordings, journal } = tools
  const read = readOn(connection)
  const standing = await standingOf(graph, tools, read)
  standing.checkWhole()
  await refuseEdited(standing, recordings, journal, read)
  refuseBegun(standing)
  // What is half taken back counts as there: it is gone on with.
  const there = new Set([...standing.entries.map(({ revision }) => revision)].filter((id) => graph.has(id)))
  const path = graph.pathDown(to, there)
  standing.checkNothingAbove(path.map(({ id }) => id))
  // Before the first one runs: half of a way back helps nobody.
  for (const migration of path) wayBack(migration)
  return { plan: await makePlan(path, 'down', recordings, connection), standing }
}

function refuseBegun({ interrupted, name }: Standing): void {
  const begun = interrupted.find(({ status }) => status === 'begun')
  if (begun === undefined) return
  throw new DroverError(
    'MIGRATION_INTERRUPTED',
    `${begun.revision} was interrupted while it was applied to ${name}. Call up again to finish it, and then down; or say what you have found with "drover schema repair ${begun.revision}" and applied or reverted.`,
  )
}
