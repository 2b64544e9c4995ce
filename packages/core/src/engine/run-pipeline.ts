import type { Report } from '../contracts/report.js'
import type { LiveRun } from './live-run.js'
import type { PipelineOptions } from './options.js'
import { pipelinePlan } from './pipeline-plan.js'
import { Run } from './run.js'

/**
 * Moves records from a source through transformers into a sink, batch by batch, and accounts for every one of them.
 * Called again under the same name it goes on where it stands; a completed pipeline does nothing again.
 *
 * ```ts
 * const report = await runPipeline({
 *   name: 'messages-to-file',
 *   source: from(sqliteSource({ filename: 'chat.db', table: 'messages' })).pipe(addMetadata()),
 *   sink: ndjsonSink({ path: 'messages.ndjson' }),
 * })
 * ```
 *
 * @throws `DroverError`, always: `OPTION_INVALID` and `DUPLICATES_NOT_ALLOWED` before anything is opened, `RUN_HELD` if
 * another process works on it, `PIPELINE_CHANGED` if another definition started it, `RECORD_REJECTED` if a record failed
 * and `maxRejected` is used up, and what the stores say. Whatever it is, nothing is half written and the same call resumes.
 */
export async function runPipeline<R extends object>(options: PipelineOptions<R>): Promise<Report> {
  return new Run(pipelinePlan(options)).result
}

/** Starts a pipeline and returns at once, to be watched, slowed, paused and stopped. `await using` stops it at the end of the scope. */
export function startPipeline<R extends object>(options: PipelineOptions<R>): LiveRun {
  return new Run(pipelinePlan(options))
}

/** Gives the options back with their record type checked: for pipelines that are defined in one place and run in another. */
export function definePipeline<R extends object>(options: PipelineOptions<R>): PipelineOptions<R> {
  return options
}
