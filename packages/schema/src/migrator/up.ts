import { checkOptionNames, DroverError, type Operation } from '@drover/core'
import type { MigrationReport, UpOptions } from '../contracts/migrator.js'
import type { Plan } from '../contracts/plan.js'
import type { RevisionGraph } from '../graph/revision-graph.js'
import { refuseEdited } from './edited.js'
import { lightRevisions } from './light-revisions.js'
import { borne, makePlan, refuseUnsafe } from './make-plan.js'
import { type RevisionReport, runRevision } from './run-revision.js'
import { type RanTogether, runTogether } from './run-together.js'
import { backUpBefore, verifyBehind } from './safeguards.js'
import { type Session, type Tools, tryWorking, waitFor } from './session.js'
import type { Standing } from './standing.js'
import { readOn, standingOf } from './standing-of.js'

/** Applies what is missing, as the only one; waits for whoever is at it. */
export async function up(
  graph: RevisionGraph,
  tools: Tools,
  options: UpOptions,
  operation: Operation,
): Promise<MigrationReport> {
  checkOptionNames('up', options, ['to', 'plan', 'allow', 'backup', 'verify', 'signal'])
  if (options.plan === true) return planned(graph, tools, options, operation)
  for (;;) {
    const answer = await tryWorking(tools, operation, (session) => upWithin(graph, session, options))
    if ('value' in answer) return answer.value
    tools.logger?.info(`${tools.database.name}: ${answer.heldBy} migrates it; waiting`)
    await waitFor(answer, operation.signal)
  }
}

/** Applies what is missing, under the lease. */
export async function upWithin(graph: RevisionGraph, session: Session, options: UpOptions): Promise<MigrationReport> {
  const began = performance.now()
  const { plan, standing } = await planUp(graph, session, options)
  refuseUnsafe(plan, options.allow ?? [])
  const safe = await backUpBefore(session, options.backup, plan)
  const revisions: RevisionReport[] = []
  const note = (done: RevisionReport): void => {
    revisions.push(done)
    session.logger?.info(`${done.id}: applied in ${Math.round(done.durationMs)} ms`)
  }
  for (let rest = plan.revisions; rest.length > 0; ) {
    const { reports, hasFailed } = await applyLight(session, plan, rest, standing)
    for (const report of reports) note(report)
    rest = rest.slice(reports.length)
    const [next] = rest
    if (next === undefined || (reports.length > 0 && !hasFailed)) continue
    const { migration } = next
    for (const action of migration.actions ?? []) session.logger?.info(`${migration.id}: to be done besides: ${action}`)
    const done = await runRevision(session, migration, 'up', borne(plan, migration.id))
    if (done !== null) note(done)
    rest = rest.slice(1)
  }
  await verifyBehind(session, options.verify, safe.backup)
  const applied = new Set([...standing.known, ...plan.revisions.map(({ migration }) => migration.id)])
  const heads = graph.headsOf(applied)
  return { direction: 'up', revisions, plan, ...safe, heads, durationMs: performance.now() - began }
}

/** Applies those at the beginning that may be one transaction; a single one gains nothing by it. */
async function applyLight(
  session: Session,
  plan: Plan,
  rest: Plan['revisions'],
  standing: Standing,
): Promise<RanTogether> {
  const isNew = (id: string): boolean => standing.get(id) === undefined
  const count = lightRevisions(rest, session.connection.dialect, isNew)
  if (count < 2) return { reports: [], hasFailed: false }
  const together = rest.slice(0, count)
  return await runTogether(
    session,
    together.map((revision) => ({ ...revision, borne: borne(plan, revision.migration.id) })),
  )
}

async function planned(
  graph: RevisionGraph,
  tools: Tools,
  options: UpOptions,
  operation: Operation,
): Promise<MigrationReport> {
  const began = performance.now()
  await using connection = await tools.database.connect(operation)
  const { plan, standing } = await planUp(graph, { ...tools, connection }, options)
  return {
    direction: 'up',
    revisions: [],
    plan,
    heads: graph.headsOf(standing.known),
    durationMs: performance.now() - began,
  }
}

async function planUp(
  graph: RevisionGraph,
  tools: Tools & Pick<Session, 'connection'>,
  { to = 'head' }: UpOptions,
): Promise<{ readonly plan: Plan; readonly standing: Standing }> {
  const { connection, recordings, journal } = tools
  const read = readOn(connection)
  const standing = await standingOf(graph, tools, read)
  standing.checkWhole()
  await refuseEdited(standing, recordings, journal, read)
  refuseReverting(standing)
  const path = graph.pathUp(to, standing.known)
  if (path.length > 0) standing.checkNothingUnknown('apply what it has itself')
  else standing.checkAhead()
  return { plan: await makePlan(path, 'up', recordings, connection), standing }
}

/** What is half taken back is finished that way, or repaired. */
function refuseReverting({ interrupted, name }: Standing): void {
  const reverting = interrupted.find(({ status }) => status === 'reverting')
  if (reverting === undefined) return
  throw new DroverError(
    'MIGRATION_INTERRUPTED',
    `${reverting.revision} was interrupted while it was taken back from ${name}. Call down again to finish that, or say what you have found with "drover schema repair ${reverting.revision}" and applied or reverted.`,
  )
}
