import type { Logger } from '../contracts/logger.js'
import type { Report } from '../contracts/report.js'
import type { StateStore } from '../contracts/state-store.js'
import type { Operation } from '../contracts/values.js'

/** What a task is given. Its signal is aborted when the start-up is to end early: stop at the next safe point. */
export interface StartupContext extends Operation {
  readonly state: StateStore
  /** What to do if another instance works on the task: wait until it has ended, or fail with `RUN_HELD`. */
  readonly whenHeld: 'wait' | 'fail'
  readonly logger?: Logger
}

/** How a task ended that did not fail. */
export interface TaskResult {
  /**
   * `completed`: it is finished, by this instance, or by another one that was waited for. `nothing`: it had been finished before.
   * `stopped`: the next call goes on.
   */
  readonly status: 'completed' | 'nothing' | 'stopped'
  /** A sentence without secrets: why it stopped, since when it is finished. */
  readonly reason?: string
  /** This instance did some of it. */
  readonly worked: boolean
  /** Of a pipeline or a backfill. */
  readonly report?: Report
}

/**
 * One thing that `onStartup` does: `pipelineTask`, `backfillTask`, `onceTask`, or an object of your own. It is called again at each
 * start of the application, by several instances at once, and sees to it itself that its work is done once.
 */
export interface StartupTask {
  /** Shown in reports and messages; no two tasks have the same. */
  readonly name: string
  /**
   * Does the work, or finds it done.
   *
   * @throws `RUN_HELD` if another instance works on it; `LEASE_LOST` or `FENCED` if another one took it over: it is then called again
   */
  run(context: StartupContext): Promise<TaskResult>
}
