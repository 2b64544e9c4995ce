import type { PipelineOptions } from '../engine/options.js'
import { pipelinePlan } from '../engine/pipeline-plan.js'
import { startPipeline } from '../engine/run-pipeline.js'
import { liveTask } from './live-task.js'
import type { StartupTask } from './startup-task.js'

/**
 * A pipeline as a task of `onStartup`. A state store or a logger of its own goes before that of the start-up; `whenHeld` is the
 * start-up's.
 *
 * @throws `OPTION_INVALID`, `DUPLICATES_NOT_ALLOWED`
 */
export function pipelineTask<R extends object>(options: PipelineOptions<R>): StartupTask {
  const { name } = pipelinePlan(options) // a wrong option is said where it stands, not at the next start
  return {
    name,
    run: (context) => {
      const { state, logger, whenHeld } = context
      return liveTask(
        startPipeline<R>({ state, ...(logger === undefined ? {} : { logger }), ...options, whenHeld }),
        context,
      )
    },
  }
}
