import { getHeapStatistics } from 'node:v8'
import type { HealthSignal } from '../contracts/health.js'
import { invalid } from '../engine/run-options.js'
import { checkOptionNames, shown } from '../errors/check-options.js'

/** Options of {@link heapUsed}. */
export interface HeapUsedOptions {
  /** What of the heap that Node may use at the most (`--max-old-space-size`) may be in use, from 0 to 1. */
  readonly maxShare: number
}

/**
 * Slows a run down when the process comes near the end of its heap.
 *
 * @throws `OPTION_INVALID`
 *
 * @example
 * await runPipeline({ name: 'people', source, sink, signals: [heapUsed({ maxShare: 0.8 })] })
 */
export function heapUsed(options: HeapUsedOptions): HealthSignal {
  const where = 'heapUsed'
  checkOptionNames(where, options, ['maxShare'])
  const { maxShare } = options
  if (typeof maxShare !== 'number' || !(maxShare > 0 && maxShare <= 1))
    throw invalid(where, `maxShare is a number above 0 and up to 1, not ${shown(maxShare)}`)
  return {
    name: 'heap',
    check() {
      const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
      return { load: used / limit / maxShare, reason: `heap ${percent(used / limit)} of ${percent(maxShare)}` }
    },
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`
}
