import { DroverError, type DryRunReport, dryRun, type FlowBackfillOptions, formatDryRun } from '@drover/core'
import { hasDocumentFlags } from '../document/document-flags.js'
import { type ExitCode, exitCodes, preparing, refuseUsage, UsageError } from '../exit-codes.js'
import { isModule } from '../modules/find-backfills.js'
import type { AnyBackfill } from '../modules/load-backfill.js'
import { hiding } from '../pipeline-file.js'
import type { Watching } from './live.js'
import { isPipelineFile, type SubjectFlags, subjectOf } from './subject.js'

/** Flags of `drover check`. */
export interface CheckFlags extends SubjectFlags {
  readonly sample?: number
  /** Look at the file alone. */
  readonly offline?: boolean
}

/** `drover check <file>`: what a run would do; nothing is written at either end. */
export async function check(
  target: string | undefined,
  flags: CheckFlags,
  { voice, surroundings }: Watching,
): Promise<ExitCode> {
  if (target === undefined && !hasDocumentFlags(flags))
    refuseUsage('OPTION_INVALID', 'Name what is to be checked: a file.')
  if (target !== undefined && !isPipelineFile(target) && !isModule(target))
    return refuseUsage('OPTION_INVALID', `${target} is neither a pipeline's file (.yaml) nor a backfill's module.`)
  await using subject = await preparing(() =>
    subjectOf(target, flags, surroundings.env, { mayBeNew: true, isDryRun: true }),
  )
  const { pipeline, backfill, name } = subject
  const options = pipeline?.options ?? (backfill !== undefined && isMadeByAdapter(backfill) ? backfill : undefined)
  if (options === undefined || flags.offline === true) {
    voice.tell(`${name}: ${target ?? pipeline?.file.path} is right; nothing was opened`, { event: 'checked', name })
    return exitCodes.done
  }
  const sample = flags.sample === undefined ? {} : { sample: flags.sample }
  const report = await hiding(pipeline?.file, () => dryRun(options, sample)).catch((error: unknown) => {
    throw DroverError.isInstance(error, 'OPTION_INVALID') ? new UsageError(error) : error
  })
  voice.tell(formatDryRun(report), { event: 'checked', ...report })
  return codeOfDryRun(report)
}

/** What a run would end with, as far as is known. */
export function codeOfDryRun({ fidelity, problems, looked }: DryRunReport): ExitCode {
  if (fidelity.length > 0 || problems.length > 0) return exitCodes.failed
  return looked.rejected > 0 ? exitCodes.rejects : exitCodes.done
}

/** What one that was written by hand would do, nobody can tell without doing it. */
function isMadeByAdapter(backfill: AnyBackfill): backfill is FlowBackfillOptions {
  return 'sink' in backfill.backfiller
}
