import type { LiveRun } from '../engine/live-run.js'
import type { StartupContext, TaskResult } from './startup-task.js'
import { stopReasonOf } from './stop-reason.js'

/** Waits for the end of a run, and stops it when the start-up is to end. */
export async function liveTask(live: LiveRun, { signal }: StartupContext): Promise<TaskResult> {
  const stop = (): void => void live.stop(stopReasonOf(signal)).catch(() => {}) // its failure is heard of below
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    const report = await live.result
    const { status, reason, attempt } = report
    return { status, ...(reason === undefined ? {} : { reason }), worked: attempt.batches > 0, report }
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
