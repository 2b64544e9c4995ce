import { DroverError, dryRun, type FlowBackfillOptions, formatDryRun } from '@drover/core'
import { type ExitCode, exitCodes, preparing, refuseUsage, UsageError } from '../exit-codes.js'
import { isModule } from '../modules/find-backfills.js'
import type { AnyBackfill } from '../modules/load-backfill.js'
import { hiding } from '../pipeline-file.js'
import type { Watching } from './live.js'
import { isPipelineFile, subjectOf } from './subject.js'

/** Flags of `drover check`. */
export interface CheckFlags {
  readonly state?: string
  readonly sample?: number
  /** Look at the file alone. */
  readonly offline?: boolean
}

/** `drover check <file>`: what a run would do; nothing is written at either end. */
export async function check(target: string, flags: CheckFlags, { voice, surroundings }: Watching): Promise<ExitCode> {
  if (!isPipelineFile(target) && !isModule(target))
    return refuseUsage('OPTION_INVALID', `${target} is neither a pipeline's file (.yaml) nor a backfill's module.`)
  await using subject = await preparing(() => subjectOf(target, flags.state, surroundings.env, { mayBeNew: true }))
  const { pipeline, backfill, name } = subject
  const options = pipeline?.options ?? (backfill !== undefined && isMadeByAdapter(backfill) ? backfill : undefined)
  if (options === undefined || flags.offline === true) {
    voice.tell(`${name}: ${target} is right; nothing was opened`, { event: 'checked', name })
    return exitCodes.done
  }
  const sample = flags.sample === undefined ? {} : { sample: flags.sample }
  const report = await hiding(pipeline?.file, () => dryRun(options, sample)).catch((error: unknown) => {
    throw DroverError.isInstance(error, 'OPTION_INVALID') ? new UsageError(error) : error
  })
  voice.tell(formatDryRun(report), { event: 'checked', ...report })
  const isRefused = report.fidelity.length > 0 || report.problems.length > 0
  if (isRefused) return exitCodes.failed
  return report.looked.rejected > 0 ? exitCodes.rejects : exitCodes.done
}

/** What one that was written by hand would do, nobody can tell without doing it. */
function isMadeByAdapter(backfill: AnyBackfill): backfill is FlowBackfillOptions {
  return 'sink' in backfill.backfiller
}
