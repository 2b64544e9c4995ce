import { checkWholeNumber, shown } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
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
  checkWholeNumber(where, 'stopAfter.records', options.stopAfter?.records, 1)
  checkOneOf(where, 'again', options.again, ['nothing', 'incremental', 'full'])
  checkOneOf(where, 'whenChanged', options.whenChanged, ['refuse', 'continue', 'restart'])
  checkOneOf(where, 'whenHeld', options.whenHeld, ['fail', 'wait'])
}

function checkOneOf(where: string, name: string, value: unknown, choices: readonly string[]): void {
  if (value !== undefined && !choices.includes(value as string)) {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: ${name} is one of ${choices.map((choice) => `'${choice}'`).join(', ')}, not ${shown(value)}.`,
    )
  }
}
