import type { HealthCheck, HealthSignal } from '../contracts/health.js'
import { checkChoice, checkOptionNames, checkText, checkWholeNumber, shown } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { suggestNames } from '../errors/nearest.js'
import type { AdaptiveOptions } from './adaptive-size.js'
import { minutesOf, type RunWindow, Windows, weekdays } from './windows.js'

/** How a run holds itself back. */
export interface ThrottleOptions {
  /** Batches get larger and smaller, by a fifth at the most from one to the next, to take that long. @default the size stays */
  readonly adaptive?: AdaptiveOptions
  /**
   * What says how the stores and the process are doing: while a load is above 1 the run rests between batches, longer and
   * longer, and from 2 on it stands still. Plain functions will do.
   */
  readonly signals?: readonly (HealthSignal | HealthCheck)[]
  /** When the run may work. @default always */
  readonly windows?: readonly RunWindow[]
  /** Outside of its windows: wait until one opens, or stop; then the same call goes on from there. @default 'wait' */
  readonly whenClosed?: 'wait' | 'stop'
}

export const throttleOptionNames: readonly (keyof ThrottleOptions)[] = ['adaptive', 'signals', 'windows', 'whenClosed']

/** @throws `OPTION_INVALID`, for a window that never opens, too, or not before the deadline. */
export function checkThrottleOptions(where: string, options: ThrottleOptions, deadline: Date | undefined): void {
  const { adaptive, signals, windows } = options
  if (adaptive !== undefined) checkAdaptive(where, adaptive)
  if (signals !== undefined) checkSignals(where, signals)
  checkChoice(where, 'whenClosed', options.whenClosed, ['wait', 'stop'])
  if (windows !== undefined) checkWindows(where, windows, options.whenClosed ?? 'wait', deadline)
}

function checkAdaptive(where: string, adaptive: AdaptiveOptions): void {
  if (typeof adaptive !== 'object' || adaptive === null)
    throw invalid(where, `adaptive is an object with a targetBatchMs, not ${shown(adaptive)}`)
  const inside = `${where}: adaptive`
  checkOptionNames(inside, adaptive, ['targetBatchMs', 'minBatchSize', 'maxBatchSize'])
  if (adaptive.targetBatchMs === undefined) throw invalid(inside, 'targetBatchMs is missing')
  checkWholeNumber(inside, 'targetBatchMs', adaptive.targetBatchMs, 1)
  checkWholeNumber(inside, 'minBatchSize', adaptive.minBatchSize, 1)
  checkWholeNumber(inside, 'maxBatchSize', adaptive.maxBatchSize, 1)
  const { minBatchSize = 1, maxBatchSize = minBatchSize } = adaptive
  if (minBatchSize > maxBatchSize)
    throw invalid(inside, `minBatchSize (${minBatchSize}) is more than maxBatchSize (${maxBatchSize})`)
}

function checkSignals(where: string, signals: readonly unknown[]): void {
  if (!Array.isArray(signals)) throw invalid(where, `signals is a list, not ${shown(signals)}`)
  for (const [at, signal] of signals.entries()) {
    if (typeof signal === 'function') continue
    const inside = `${where}: signals[${at}]`
    const given = Object(signal) as Partial<HealthSignal>
    if (typeof given.check !== 'function') {
      const hint = Array.isArray(signal) ? '; spread a list of signals into this one: [...signals]' : ''
      throw invalid(inside, `it is a function, or an object with name and check(), not ${shown(signal)}${hint}`)
    }
    checkText(inside, 'name', given.name)
    checkWholeNumber(inside, 'everyMs', given.everyMs, 10)
    checkWholeNumber(inside, 'timeoutMs', given.timeoutMs, 1)
  }
}

function checkWindows(
  where: string,
  windows: readonly RunWindow[],
  whenClosed: 'wait' | 'stop',
  deadline: Date | undefined,
): void {
  if (!Array.isArray(windows)) throw invalid(where, `windows is a list, not ${shown(windows)}`)
  if (windows.length === 0)
    throw invalid(where, 'windows is empty, so that the run would never work; leave it out to let it always work')
  for (const [at, window] of windows.entries()) checkWindow(`${where}: windows[${at}]`, window)
  const now = Date.now()
  const hours = new Windows(windows, where)
  if (hours.isOpen(now)) return
  const opens = hours.changesAt(now)
  if (opens === Number.POSITIVE_INFINITY) throw invalid(where, 'no window opens within two weeks')
  // One that has passed stops the run, and says so.
  if (whenClosed === 'wait' && deadline !== undefined && deadline.getTime() > now && deadline.getTime() <= opens) {
    throw invalid(
      where,
      `no window opens before the deadline: the first one does at ${new Date(opens).toISOString()}, the deadline is ${deadline.toISOString()}`,
    )
  }
}

function checkWindow(where: string, window: RunWindow): void {
  if (typeof window !== 'object' || window === null)
    throw invalid(where, `it is an object with from, to and zone, not ${shown(window)}`)
  checkOptionNames(where, window, ['from', 'to', 'zone', 'days'])
  const { days } = window
  for (const name of ['from', 'to'] as const) {
    const text: unknown = window[name]
    if (typeof text !== 'string' || minutesOf(text) === undefined || (name === 'from' && minutesOf(text) === 24 * 60))
      throw invalid(where, `${name} is a time of day such as '22:00', not ${shown(text)}`)
  }
  checkText(where, 'zone', window.zone)
  if (minutesOf(window.from) === minutesOf(window.to)) {
    throw invalid(
      where,
      `it opens and closes at ${window.from}, so that it would never be open; a whole day is from '00:00' to '24:00'`,
    )
  }
  if (days === undefined) return
  if (!Array.isArray(days)) throw invalid(where, `days is a list of ${weekdays.join(', ')}, not ${shown(days)}`)
  if (days.length === 0) throw invalid(where, 'days is empty, so that it would never open; leave it out for every day')
  for (const day of days as readonly unknown[])
    if (!weekdays.includes(day as (typeof weekdays)[number]))
      throw invalid(where, `there is no day ${shown(day)}${suggestNames(String(day), weekdays).replace(/\.$/, '')}`)
}

function invalid(where: string, what: string): DroverError {
  return new DroverError('OPTION_INVALID', `${where}: ${what}.`)
}
