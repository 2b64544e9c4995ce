import type { Operation } from '../contracts/values.js'
import { startBackfill } from '../engine/run-backfill.js'
import { invalid } from '../engine/run-options.js'
import { checkOptionNames, checkText, shown } from '../errors/check-options.js'
import { liveTask } from './live-task.js'
import type { StartupTask } from './startup-task.js'

/** Options of {@link onceTask}. */
export interface OnceTaskOptions {
  /** Its identity in the state store: completed once, it is not run again under this name. */
  readonly name: string
  /**
   * Does the work. The instance that is killed meanwhile leaves it to another one, which begins anew: it may run twice, and must
   * bear that. The signal is aborted when the start-up is to end, and when another instance has taken the work over.
   */
  readonly run: (operation: Operation) => Promise<void>
  /** How long its lease lasts if this instance is gone, in milliseconds. @default 30000 */
  readonly leaseMs?: number
}

/**
 * A function as a task of `onStartup`: one instance at a time runs it, under a lease of its own, until it has succeeded once.
 *
 * @throws `OPTION_INVALID`
 */
export function onceTask(options: OnceTaskOptions): StartupTask {
  const { name, run, leaseMs } = options
  checkText('onceTask', 'name', name)
  const where = `onceTask ${name}`
  checkOptionNames(where, options, ['name', 'run', 'leaseMs'])
  if (typeof run !== 'function') throw invalid(where, `run is a function, not ${shown(run)}`)
  return {
    name,
    run: (context) => {
      const { state, logger, whenHeld, signal: ending } = context
      // A backfill of one batch: the lease, the fence and the note that it is done are the engine's.
      const backfillBatch = async ({ signal }: Operation) => {
        await run({ signal: AbortSignal.any([signal, ending]) })
        return { scanned: 0, changed: 0, cursor: null, done: true }
      }
      return liveTask(
        startBackfill({
          state,
          again: 'nothing',
          whenHeld,
          ...(leaseMs === undefined ? {} : { leaseMs }),
          ...(logger === undefined ? {} : { logger }),
          backfiller: { name, backfillBatch },
        }),
        context,
      )
    },
  }
}
