import type { FlowBackfillOptions, PipelineOptions } from '../engine/options.js'
import { checkMethods } from '../engine/run-options.js'
import { checkOptionNames, checkWholeNumber } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import type { DryRunReport } from './dry-run-report.js'
import { Rehearsing } from './rehearsing.js'
import { subjectOf } from './subject.js'

export interface DryRunOptions {
  /** Records that are shown with what the steps make of them. @default 10 */
  readonly sample?: number
  /** Gives up. */
  readonly signal?: AbortSignal
}

const defaultSample = 10
const mostSampled = 1000

/**
 * Says what a pipeline or an adapter's backfill would do, and does nothing: afterwards both stores are as they were, byte for byte, and
 * no state is kept anywhere. Both ends are connected to, so rights that are missing are named; some thousand records are read and go
 * through the steps; sinks that can take it back write them. It takes a few seconds, and may be done while the application runs.
 *
 * What fails is not thrown: it is among the `problems` of the report. The steps do run: one that calls a service calls it.
 *
 * ```ts
 * console.log(formatDryRun(await dryRun({ name: 'copy', source, sink })))
 * ```
 *
 * @throws `OPTION_INVALID` and `DUPLICATES_NOT_ALLOWED`, as the run would; `ABORTED`.
 */
export async function dryRun<R extends object>(
  options: PipelineOptions<R> | FlowBackfillOptions,
  { sample = defaultSample, signal, ...rest }: DryRunOptions = {},
): Promise<DryRunReport> {
  checkOptionNames('dryRun', rest, ['sample', 'signal'])
  checkWholeNumber('dryRun', 'sample', sample, 1)
  checkMethods('dryRun', 'signal', signal, ['addEventListener', 'removeEventListener'])
  if (sample > mostSampled)
    throw new DroverError('OPTION_INVALID', `dryRun: sample is ${mostSampled} at the most, not ${sample}.`)
  const subject = subjectOf(options)
  return new Rehearsing(subject, sample, signal ?? new AbortController().signal).run()
}
