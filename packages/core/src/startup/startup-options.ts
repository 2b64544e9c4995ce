import { constants } from 'node:os'
import { checkFunction, checkMethods, checkObject, checkOneOf, invalid } from '../engine/run-options.js'
import { checkOptionNames, checkText, checkWholeNumber, shown } from '../errors/check-options.js'
import type { StartupOptions } from './on-startup.js'

const where = 'onStartup'
/** What a timer of Node can wait, about 24 days. */
const longestTimeoutMs = 2 ** 31 - 1

/** @throws `OPTION_INVALID` */
export function checkStartupOptions(options: StartupOptions): void {
  checkObject(where, 'options', options)
  checkOptionNames(where, options, ['state', 'tasks', 'whenHeld', 'timeoutMs', 'signal', 'drainOn', 'logger'])
  if (options.state === undefined)
    throw invalid(where, 'state names the store that all instances share, such as postgresStateStore()')
  checkMethods(where, 'state', options.state, ['open', 'load', 'acquire', 'heartbeat', 'release', 'commit', 'settle'])
  if (options.whenHeld === undefined) throw invalid(where, "whenHeld is one of 'wait', 'skip', and has to be said")
  checkOneOf(where, 'whenHeld', options.whenHeld, ['wait', 'skip'])
  checkWholeNumber(where, 'timeoutMs', options.timeoutMs, 1)
  if ((options.timeoutMs ?? 0) > longestTimeoutMs)
    throw invalid(where, `timeoutMs is ${longestTimeoutMs} at the most; leave it out to wait without an end`)
  checkMethods(where, 'signal', options.signal, ['addEventListener', 'removeEventListener'])
  checkMethods(where, 'logger', options.logger, ['debug', 'info', 'warn', 'error'])
  checkSignals(options.drainOn)
  checkTasks(options.tasks)
}

function checkSignals(drainOn: unknown): void {
  if (drainOn === undefined) return
  const known = Object.keys(constants.signals)
  const isCatchable = (name: unknown) => known.includes(name as string) && name !== 'SIGKILL' && name !== 'SIGSTOP'
  if (Array.isArray(drainOn) && drainOn.every(isCatchable)) return
  throw invalid(
    where,
    `drainOn is a list of signals that a process can catch, such as ['SIGTERM'], not ${shown(drainOn)}`,
  )
}

function checkTasks(tasks: unknown): void {
  if (!Array.isArray(tasks)) throw invalid(where, `tasks is a list, not ${shown(tasks)}`)
  const names = new Set<string>()
  for (const [i, task] of tasks.entries()) {
    checkObject(where, `tasks[${i}]`, task)
    checkText(where, `tasks[${i}].name`, task.name)
    const said = `tasks[${i}].run`
    if (task.run === undefined)
      throw invalid(where, `${said} is missing: make the task with pipelineTask, backfillTask or onceTask`)
    checkFunction(where, said, task.run)
    if (names.has(task.name))
      throw invalid(where, `two tasks are called "${task.name}", which is the identity of one run`)
    names.add(task.name)
  }
}
