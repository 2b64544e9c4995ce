import type { Report } from '../contracts/report.js'
import type { LiveRun } from '../engine/live-run.js'
import type { PipelineOptions } from '../engine/options.js'
import { Run } from '../engine/run.js'
import { replayPlan } from './replay-plan.js'

/**
 * Sends the dead letters of a pipeline through its steps again, as they are now, into the same sink: each record once, however often it
 * was rejected. Called with the pipeline's own options.
 *
 * A replay is a run of its own, named `<name> replay`. What it sends is decided when it begins: the letters that no earlier replay has
 * taken. Killed, or stopped by a record that is still rejected, the same call goes on where it stands. What is rejected again becomes a
 * letter again, which the next replay takes. Where there is nothing to send, the report's status is `nothing`.
 *
 * The pipeline may run meanwhile: letters of batches that are not known to be committed wait for the next replay, and so do those that it
 * writes from now on. Letters of runs that a later full run followed are left out: that run has read all of their records again.
 *
 * Letters that another `version` of the pipeline wrote are told of in a warning; with `whenChanged: 'refuse'` they are refused, with
 * `'continue'` nothing is said.
 *
 * ```ts
 * const options = { name: 'orders', source, sink, maxRejected: 100 }
 * await runPipeline(options) // 3 records were rejected; what they failed by is mended
 * await replay(options)
 * ```
 *
 * @throws `OPTION_INVALID`, also if the letters are not in a folder, or were redacted; `RUN_UNKNOWN` if the pipeline never ran;
 *   `PIPELINE_CHANGED`; `DEPENDENCY_UNFINISHED` if the pipeline's run has not completed and its sink takes one run at a time;
 *   `SOURCE_INVALID` for a line that is no letter; and all that `runPipeline` throws.
 */
export async function replay<R extends object>(options: PipelineOptions<R>): Promise<Report> {
  return new Run(replayPlan(options)).result
}

/** Starts a replay and returns at once, to be watched, slowed, paused and stopped. */
export function startReplay<R extends object>(options: PipelineOptions<R>): LiveRun {
  return new Run(replayPlan(options))
}
