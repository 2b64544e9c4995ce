import type { BackfillOptions, FlowBackfillOptions, TransactionalBackfillOptions } from '../engine/options.js'
import { checkBackfill, startBackfill } from '../engine/run-backfill.js'
import { liveTask } from './live-task.js'
import type { StartupTask } from './startup-task.js'

/**
 * A backfill as a task of `onStartup`. Unlike `runBackfill` it does nothing once it has completed, unless `again` says otherwise: the
 * table is not searched at every start of every instance. A state store or a logger of its own goes before that of the start-up;
 * `whenHeld` is the start-up's.
 *
 * A backfiller that writes through `tx` is given with its `state`, of the same database.
 *
 * @throws `OPTION_INVALID`
 */
export function backfillTask<Tx>(options: TransactionalBackfillOptions<Tx>): StartupTask
export function backfillTask(options: BackfillOptions<void> | FlowBackfillOptions): StartupTask
export function backfillTask(given: BackfillOptions<never> | FlowBackfillOptions): StartupTask {
  // Handed on as it came: the overloads have checked that transaction and store belong together.
  const options = given as FlowBackfillOptions
  return {
    name: checkBackfill(options),
    run: (context) => {
      const { state, logger, whenHeld } = context
      return liveTask(
        startBackfill({
          state,
          again: 'nothing',
          ...(logger === undefined ? {} : { logger }),
          ...options,
          whenHeld,
        }),
        context,
      )
    },
  }
}
