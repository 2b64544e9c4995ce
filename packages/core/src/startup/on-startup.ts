import type { Logger } from '../contracts/logger.js'
import type { StateStore } from '../contracts/state-store.js'
import { DroverError } from '../errors/drover-error.js'
import { redactSecrets } from '../errors/redact.js'
import { checkStartupOptions } from './startup-options.js'
import type { StartupContext, StartupTask, TaskResult } from './startup-task.js'
import { stopped, stopReasonOf } from './stop-reason.js'

/** Options of {@link onStartup}. */
export interface StartupOptions {
  /** Keeps the leases, and what is finished. All instances share it: on several hosts it is a database, not a folder. */
  readonly state: StateStore
  /** In this order; one begins when the one before it is finished. */
  readonly tasks: readonly StartupTask[]
  /**
   * What to do while another instance works on a task: `wait` until it is finished, or take it over when that instance is gone;
   * `skip` it with all that stand behind it, which that instance goes on to.
   */
  readonly whenHeld: 'wait' | 'skip'
  /** After so many milliseconds it stops as it does by its signal, working or waiting. @default without an end */
  readonly timeoutMs?: number
  /** Aborting it commits the batch in hand, gives the lease back and ends the start-up; the next one goes on from there. */
  readonly signal?: AbortSignal
  /** End in the same way by these signals of the process. A second one does what it always does. @default none */
  readonly drainOn?: readonly NodeJS.Signals[]
  /** Hears of each task; the runs tell it what they tell their own, unless they have one. */
  readonly logger?: Logger
}

/** What became of one task. */
export interface TaskReport extends Omit<TaskResult, 'status'> {
  readonly name: string
  /** As in {@link TaskResult}; `held`: another instance works on it; `not-begun`: one in front of it is not finished. */
  readonly status: TaskResult['status'] | 'held' | 'not-begun'
  readonly durationMs: number
}

/** What became of a start-up. */
export interface StartupReport {
  /** Every task is finished, whoever did it. */
  readonly finished: boolean
  readonly tasks: readonly TaskReport[]
  readonly durationMs: number
}

/**
 * Runs pipelines, backfills and other tasks in order, once across all instances that start together: one works, the others wait or go
 * on. An instance that is killed is taken over; one that was merely asleep cannot write any more, and waits like the others.
 *
 * It leaves the event loop free: an application may serve requests meanwhile, and need not wait for it.
 *
 * @throws `OPTION_INVALID`, and what the first task fails with; those behind it are not begun. Being stopped is no failure: see `finished`.
 *
 * @example
 * const { finished } = await onStartup({
 *   state: sqliteStateStore({ filename: 'app.db' }),
 *   tasks: [pipelineTask({ name: 'copy', source, sink }), onceTask({ name: 'index', run: async () => {} })],
 *   whenHeld: 'wait',
 *   drainOn: ['SIGTERM'],
 * })
 */
export async function onStartup(options: StartupOptions): Promise<StartupReport> {
  checkStartupOptions(options)
  const begun = performance.now()
  const ending = new AbortController()
  const unhook = hookEndings(options, (reason) => ending.abort(stopped(reason)))
  const { state, logger, whenHeld } = options
  const context: StartupContext = {
    state,
    whenHeld: whenHeld === 'wait' ? 'wait' : 'fail',
    signal: ending.signal,
    ...(logger === undefined ? {} : { logger }),
  }
  const tasks: TaskReport[] = []
  try {
    for (const task of options.tasks) {
      const report = tasks.every(isFinished) ? await runTask(task, context) : notBegun(task, tasks.at(-1))
      tasks.push(report)
      say(logger, 'info', `${task.name}: ${report.status}${report.reason === undefined ? '' : `, ${report.reason}`}`)
    }
  } finally {
    unhook()
  }
  return { finished: tasks.every(isFinished), tasks, durationMs: performance.now() - begun }
}

/** Two that take the same work from each other again and again share no state store; waiting does not help them. */
const mostLosses = 10

/** Until it has ended, here or elsewhere. */
async function runTask(task: StartupTask, context: StartupContext): Promise<TaskReport> {
  const begun = performance.now()
  const { signal, logger } = context
  let losses = 0
  const ended = (result: Omit<TaskReport, 'name' | 'durationMs'>): TaskReport => {
    const worked = result.worked || losses > 0
    return { ...result, name: task.name, worked, durationMs: performance.now() - begun }
  }
  const stop = (): TaskReport => ended({ status: 'stopped', reason: stopReasonOf(signal), worked: false })
  for (;;) {
    if (signal.aborted) return stop()
    try {
      return ended(await task.run(context))
    } catch (error) {
      if (isHeld(error) && context.whenHeld === 'fail')
        return ended({ status: 'held', reason: error.message, worked: false })
      if (isTakenOver(error) && ++losses < mostLosses) {
        say(logger, 'warn', `${task.name}: this instance has lost it to another one, ${error.code}: ${error.message}`)
        continue
      }
      if (signal.aborted && isOf(error, signal)) return stop()
      throw DroverError.from(error, `the start-up failed at ${task.name}`)
    }
  }
}

function notBegun(task: StartupTask, before: TaskReport | undefined): TaskReport {
  const reason = before?.status === 'not-begun' ? before.reason : `${before?.name} is not finished`
  return {
    name: task.name,
    status: 'not-begun',
    ...(reason === undefined ? {} : { reason }),
    worked: false,
    durationMs: 0,
  }
}

function isFinished({ status }: TaskReport): boolean {
  return status === 'completed' || status === 'nothing'
}

function isHeld(error: unknown): error is DroverError {
  return DroverError.isInstance(error, 'RUN_HELD')
}

function isTakenOver(error: unknown): error is DroverError {
  return DroverError.isInstance(error, 'LEASE_LOST', 'FENCED')
}

/** Whether it was thrown because the signal was aborted. */
function isOf(error: unknown, signal: AbortSignal): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (at === signal.reason) return true
  return false
}

/** Ends the start-up by its signal, the process's signals, and its time. */
function hookEndings(options: StartupOptions, end: (reason: string) => void): () => void {
  const { signal, drainOn = [], timeoutMs } = options
  const onAbort = (): void => end('its signal was aborted')
  const onSignal = (name: NodeJS.Signals): void => {
    for (const each of drainOn) process.off(each, onSignal)
    end(`the process got ${name}`)
  }
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => end(`its ${timeoutMs} ms are over`), timeoutMs)
  timer?.unref()
  if (signal?.aborted === true) onAbort()
  signal?.addEventListener('abort', onAbort, { once: true })
  for (const each of drainOn) process.on(each, onSignal)
  return () => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
    for (const each of drainOn) process.off(each, onSignal)
  }
}

/** A logger that fails must not end a start-up. */
function say(logger: Logger | undefined, level: 'info' | 'warn', text: string): void {
  try {
    logger?.[level](`start-up: ${redactSecrets(text)}`)
  } catch {
    // what it was to say stands in the report
  }
}
