import type { Report } from '../contracts/report.js'
import { backfillPipeline } from './backfill-pipeline.js'
import { backfillPlan, checkDependsOn } from './backfill-plan.js'
import type { LiveRun } from './live-run.js'
import type { BackfillOptions, FlowBackfillOptions, TransactionalBackfillOptions } from './options.js'
import { pipelinePlan } from './pipeline-plan.js'
import type { Plan } from './plan.js'
import { Run } from './run.js'

/**
 * Changes records where they live, batch by batch. Called again it goes on where it stands; a completed backfill looks
 * at everything its predicate still finds.
 *
 * With a transactional state store in the same database each batch happens exactly once; elsewhere at least once, and the
 * report says so. A backfill made by an adapter brings its own state store.
 *
 * @throws `DroverError`, always: `DEPENDENCY_UNFINISHED`, `REQUIREMENT_MISSING`, and all that {@link runPipeline} throws.
 */
export async function runBackfill<Tx>(options: TransactionalBackfillOptions<Tx>): Promise<Report>
export async function runBackfill(options: BackfillOptions<void> | FlowBackfillOptions): Promise<Report>
export async function runBackfill(options: AnyBackfillOptions): Promise<Report> {
  return new Run(planOf(options)).result
}

/** Starts a backfill and returns at once, to be watched, slowed, paused and stopped. */
export function startBackfill<Tx>(options: TransactionalBackfillOptions<Tx>): LiveRun
export function startBackfill(options: BackfillOptions<void> | FlowBackfillOptions): LiveRun
export function startBackfill(options: AnyBackfillOptions): LiveRun {
  return new Run(planOf(options))
}

/** Gives the name of a backfill that is to be run later. @throws `OPTION_INVALID` */
export function checkBackfill(options: AnyBackfillOptions): string {
  return planOf(options).name
}

type AnyBackfillOptions = BackfillOptions<never> | BackfillOptions<void> | FlowBackfillOptions

function planOf(options: AnyBackfillOptions): Plan {
  if (!isFlowBackfill(options)) return backfillPlan(options as BackfillOptions<never>)
  const { backfiller, dependsOn } = options
  checkDependsOn(`backfill ${backfiller.name}`, dependsOn)
  return pipelinePlan(backfillPipeline(options), { kind: 'backfill', dependsOn: dependsOn ?? [] })
}

function isFlowBackfill(options: AnyBackfillOptions): options is FlowBackfillOptions {
  const backfiller: unknown = (options as Partial<AnyBackfillOptions> | null | undefined)?.backfiller
  return typeof backfiller === 'object' && backfiller !== null && 'sink' in backfiller
}
