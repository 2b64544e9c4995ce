import type { Partition } from '../contracts/position.js'
import type { RunState, StateStore } from '../contracts/state-store.js'
import type { Operation } from '../contracts/values.js'
import { letterFiles } from '../dead-letters/dead-letter-folder.js'
import type { BeginHelp, Beginning } from '../engine/plan.js'
import { DroverError } from '../errors/drover-error.js'
import { type FrozenLetters, frozenOf, frozenPartition } from './frozen-letters.js'
import { Gathering } from './gathering.js'

export interface ReplayOf {
  readonly name: string
  readonly folder: string
  readonly version: string | undefined
  readonly whenChanged: 'refuse' | 'continue' | 'restart' | undefined
  /** The sink gives up what another run has not completed. */
  readonly takesOneRun: boolean
}

/** Freezes the letters that a new replay is of. @throws `RUN_UNKNOWN`, `PIPELINE_CHANGED`, `DEPENDENCY_UNFINISHED`, `SOURCE_INVALID` */
export async function beginReplay(replay: ReplayOf, { operation, state, before, warn }: BeginHelp): Promise<Beginning> {
  const { gathering, run } = await gather(replay, state, before, operation)
  for (const message of gathering.leftOut()) warn({ code: 'DEAD_LETTERS', message })
  if (gathering.count === 0) return { nothing: nothingNew(before) }
  if (replay.takesOneRun && run.status === 'open') {
    throw new DroverError(
      'DEPENDENCY_UNFINISHED',
      `replay of ${replay.name}: the pipeline's run has not completed, and its sink takes one run at a time. Call runPipeline until it has, then replay again.`,
    )
  }
  const others = gathering.ofOtherVersions()
  if (others !== undefined && replay.whenChanged === 'refuse') {
    throw new DroverError(
      'PIPELINE_CHANGED',
      `replay of ${replay.name}: ${others} Leave out whenChanged: 'refuse' to send them through the steps as they are now.`,
    )
  }
  if (others !== undefined && replay.whenChanged === undefined) warn({ code: 'OTHER_VERSION', message: others })
  return { partitions: [frozenPartition(gathering.frozen)] }
}

/** Letters of a run that began meanwhile would look as if they were of one long gone: then all is looked at once more. */
async function gather(
  replay: ReplayOf,
  state: StateStore,
  before: RunState | null,
  operation: Operation,
): Promise<{ readonly gathering: Gathering; readonly run: RunState }> {
  for (;;) {
    const run = await newestRun(replay.name, state, operation)
    const gathering = new Gathering(replay, run, earlier(before, run))
    await gathering.addAll(await letterFiles(replay.folder), operation)
    if ((await state.load(replay.name, operation))?.run === run.run) return { gathering, run }
  }
}

async function newestRun(name: string, state: StateStore, operation: Operation): Promise<RunState> {
  const run = await state.load(name, operation)
  if (run !== null) return run
  throw new DroverError(
    'RUN_UNKNOWN',
    `replay of ${name}: there is no run of that name in the state store ${state.name}, which knows what of it is committed. Give the options that the pipeline ran with, its state store among them.`,
  )
}

/** What replays before this one have taken. */
function earlier(before: RunState | null, { run }: RunState): FrozenLetters {
  const [partition] = before?.partitions ?? ([] as readonly Partition[])
  if (before === null || partition === undefined) return { from: {}, to: {}, replayed: run, replays: {} }
  const { from, to, replayed, replays } = frozenOf(partition)
  return { from: { ...from, ...to }, to: {}, replayed: run, replays: { ...replays, [before.run]: replayed } }
}

function nothingNew(before: RunState | null): string {
  const at = before?.completedAt
  return at === undefined
    ? 'there are no dead letters to send'
    : `there are no dead letters to send since the replay that completed at ${at.toISOString()}`
}
