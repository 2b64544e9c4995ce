import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { HealthSignal } from '../contracts/health.js'
import { invalid } from '../engine/run-options.js'
import { checkOptionNames, checkWholeNumber } from '../errors/check-options.js'

/** Options of {@link eventLoopDelay}. */
export interface EventLoopDelayOptions {
  /** How late the event loop may come to what is due, in milliseconds: 99 of 100 times since the last reading. */
  readonly maxMs: number
}

/** How exactly it is measured, in milliseconds: the interval of a timer of Node's own. */
const resolution = 10

/**
 * Slows a run down when the process that it works in, an HTTP server for example, comes late to its other work. A slice of
 * Drover's own is up to 50 ms long.
 *
 * @throws `OPTION_INVALID`
 *
 * @example
 * await runPipeline({ name: 'people', source, sink, signals: [eventLoopDelay({ maxMs: 100 })] })
 */
export function eventLoopDelay(options: EventLoopDelayOptions): HealthSignal {
  const where = 'eventLoopDelay'
  checkOptionNames(where, options, ['maxMs'])
  if (options.maxMs === undefined) throw invalid(where, 'maxMs is missing')
  checkWholeNumber(where, 'maxMs', options.maxMs, 1)
  const { maxMs } = options
  let histogram: ReturnType<typeof monitorEventLoopDelay> | undefined
  return {
    name: 'event loop delay',
    check() {
      const ms = histogram === undefined || histogram.count === 0 ? 0 : histogram.percentile(99) / 1e6 - resolution
      if (histogram === undefined) {
        histogram = monitorEventLoopDelay({ resolution })
        histogram.enable()
      }
      histogram.reset()
      return {
        load: Math.max(0, ms) / maxMs,
        reason: `event loop delay ${Math.max(0, Math.round(ms))} ms of ${maxMs} ms`,
      }
    },
    close() {
      histogram?.disable()
      histogram = undefined
    },
  }
}
