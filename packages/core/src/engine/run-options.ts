import { checkOptionNames, checkText, checkWholeNumber, shown } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { checkThrottleOptions, throttleOptionNames } from '../throttle/throttle-options.js'
import type { RunOptions } from './options.js'

/** Names of the options that pipelines and backfills share. */
export const runOptionNames: readonly (keyof RunOptions)[] = [
  'state',
  'version',
  'batchSize',
  'again',
  'whenChanged',
  'whenHeld',
  'maxRejected',
  'maxRetries',
  'stopAfter',
  'signal',
  'stopOnSignals',
  'leaseMs',
  'recordsPerSecond',
  ...throttleOptionNames,
  'stalledAfterMs',
  'logger',
  'progress',
]

/** @throws `OPTION_INVALID` */
export function checkRunOptions(where: string, options: RunOptions): void {
  checkWholeNumber(where, 'batchSize', options.batchSize, 1)
  checkWholeNumber(where, 'maxRejected', options.maxRejected, 0)
  checkWholeNumber(where, 'maxRetries', options.maxRetries, 0)
  checkWholeNumber(where, 'leaseMs', options.leaseMs, 100)
  checkWholeNumber(where, 'recordsPerSecond', options.recordsPerSecond, 0)
  checkWholeNumber(where, 'stalledAfterMs', options.stalledAfterMs, 0)
  checkOneOf(where, 'again', options.again, ['nothing', 'incremental', 'full'])
  checkOneOf(where, 'whenChanged', options.whenChanged, ['refuse', 'continue', 'restart'])
  checkOneOf(where, 'whenHeld', options.whenHeld, ['fail', 'wait'])
  checkFlag(where, 'stopOnSignals', options.stopOnSignals)
  if (options.version !== undefined) checkText(where, 'version', options.version)
  checkStopAfter(where, options.stopAfter)
  checkThrottleOptions(where, options, options.stopAfter?.deadline)
  checkMethods(where, 'state', options.state, ['open', 'load', 'acquire', 'heartbeat', 'release', 'commit', 'settle'])
  checkMethods(where, 'logger', options.logger, ['debug', 'info', 'warn', 'error'])
  checkMethods(where, 'signal', options.signal, ['addEventListener', 'removeEventListener'])
  if (typeof options.progress !== 'boolean') checkMethods(where, 'progress', options.progress, ['write'])
}

/** @throws `OPTION_INVALID` */
export function checkObject(where: string, what: string, value: unknown): void {
  if (typeof value !== 'object' || value === null) throw invalid(where, `${what} is an object, not ${shown(value)}`)
}

/** @throws `OPTION_INVALID` */
export function checkFlag(where: string, name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean')
    throw invalid(where, `${name} is true or false, not ${shown(value)}`)
}

/** @throws `OPTION_INVALID` */
export function checkFunction(where: string, name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function')
    throw invalid(where, `${name} is a function, not ${shown(value)}`)
}

export function invalid(where: string, what: string): DroverError {
  return new DroverError('OPTION_INVALID', `${where}: ${what}.`)
}

function checkStopAfter(where: string, stopAfter: RunOptions['stopAfter']): void {
  if (stopAfter === undefined) return
  checkObject(where, 'stopAfter', stopAfter)
  checkOptionNames(`${where}: stopAfter`, stopAfter, ['records', 'deadline'])
  checkWholeNumber(where, 'stopAfter.records', stopAfter.records, 1)
  const deadline: unknown = stopAfter.deadline
  if (deadline === undefined || (deadline instanceof Date && !Number.isNaN(deadline.getTime()))) return
  throw invalid(where, `stopAfter.deadline is a valid Date, not ${shown(deadline)}`)
}

/** Whatever has the methods will do: a logger, a state store and a signal may be anybody's. @throws `OPTION_INVALID` */
export function checkMethods(where: string, name: string, value: unknown, methods: readonly string[]): void {
  if (value === undefined) return
  const missing = methods.filter((method) => typeof (Object(value) as Record<string, unknown>)[method] !== 'function')
  if (missing.length > 0) throw invalid(where, `${name} has no ${missing.join(', no ')}; it is ${shown(value)}`)
}

/** @throws `OPTION_INVALID` */
export function checkOneOf(where: string, name: string, value: unknown, choices: readonly string[]): void {
  if (value === undefined || choices.includes(value as string)) return
  throw invalid(where, `${name} is one of ${choices.map((choice) => `'${choice}'`).join(', ')}, not ${shown(value)}`)
}
