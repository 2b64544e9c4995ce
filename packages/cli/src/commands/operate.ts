import { DroverError, formatProgress, type Operator, operate, type RunOverview } from '@drover/core'
import { type DocumentFlags, hasDocumentFlags } from '../document/document-flags.js'
import { type ExitCode, exitCodes, preparing, refuseUsage, UsageError } from '../exit-codes.js'
import type { Watching } from './live.js'
import { type Subject, subjectOf } from './subject.js'

/** Flags of the commands that look at runs and tell them what to do. */
export interface OperateFlags extends DocumentFlags {
  readonly state?: string
  readonly reason?: string
  readonly batchSize?: number
  readonly recordsPerSecond?: number
  readonly concurrency?: number
}

/** `drover status`: of one run, or of all that a state store keeps. */
export function showStatus(target: string | undefined, flags: OperateFlags, watching: Watching): Promise<ExitCode> {
  return operating(target, flags, watching, async (operator, name) => {
    if (name !== undefined) return [await operator.status(name)]
    const runs = await operator.list()
    if (runs.length === 0) watching.voice.note('No run is kept there.')
    return runs
  })
}

/** What can be asked of a run from elsewhere. */
export type Request = 'pause' | 'resume' | 'stop' | 'update'

/** `drover pause`, `resume`, `stop` and `update`: heard by the process that works on it with its next heartbeat. */
export function requestOf(
  request: Request,
  target: string | undefined,
  flags: OperateFlags,
  watching: Watching,
): Promise<ExitCode> {
  if (target === undefined && !hasDocumentFlags(flags))
    refuseUsage('OPTION_INVALID', 'Name the run: its file, the module, its name, or the flags that it was called with.')
  const { reason, batchSize, recordsPerSecond, concurrency } = flags
  const settings = Object.fromEntries(
    Object.entries({ batchSize, recordsPerSecond, concurrency }).filter(([, value]) => value !== undefined),
  )
  return operating(target, flags, watching, async (operator, name = '') => {
    switch (request) {
      case 'pause':
        return [await operator.pause(name, reason)]
      case 'stop':
        return [await operator.stop(name, reason)]
      case 'resume':
        return [await operator.resume(name)]
      case 'update':
        return [await operator.update(name, settings)]
    }
  })
}

async function operating(
  target: string | undefined,
  flags: OperateFlags,
  { voice, surroundings }: Watching,
  ask: (operator: Operator, name: string | undefined) => Promise<readonly RunOverview[]>,
): Promise<ExitCode> {
  await using subject: Subject = await preparing(() => subjectOf(target, flags, surroundings.env, { embeds: false }))
  try {
    for (const run of await ask(operate(subject.state), subject.name)) voice.tell(overviewText(run), run)
  } catch (error) {
    // A name that is no run's, or a run that has ended, is for the caller to mend.
    throw DroverError.isInstance(error, 'RUN_UNKNOWN', 'RUN_ENDED', 'OPTION_INVALID') ? new UsageError(error) : error
  }
  return exitCodes.done
}

/** A run as an operator wants to see it: three lines. */
export function overviewText({ name, activity, message, progress, counts, partitions }: RunOverview): string {
  const { read, written, filtered, rejected } = counts
  const records = `${read} read = ${written} written + ${filtered} filtered + ${rejected} rejected`
  const parts = partitions.total > 1 ? `; ${partitions.done} of ${partitions.total} partitions done` : ''
  return [
    `${name}: ${activity}`,
    `  ${message}`,
    ...(progress === undefined ? [] : [`  ${formatProgress(progress).replace(`${name}: `, '')}`]),
    `  ${records}${parts}`,
  ].join('\n')
}
