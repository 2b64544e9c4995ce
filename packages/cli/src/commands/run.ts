import { dryRun, type LiveRun, type PipelineOptions, type Row, startPipeline, startReplay } from '@drover/core'
import { readPipeline } from '../document/document-flags.js'
import { type ExitCode, exitCodes, preparing } from '../exit-codes.js'
import { makePipeline } from '../make-pipeline.js'
import { optionRefused } from '../option-place.js'
import { hiding, type PipelineFile } from '../pipeline-file.js'
import { stateByText } from '../stores/store-by-text.js'
import { dryRunPoints, formatPoints } from '../terminal/dry-run-points.js'
import { codeOfDryRun } from './check.js'
import { follow, progressOf, type Watching } from './live.js'
import { replayedAt } from './replayed.js'
import { type RunFlags, withOverrides } from './run-flags.js'
import { requireRun, stateOf } from './subject.js'

/** `drover run <file>` */
export function runFile(path: string | undefined, flags: RunFlags, watching: Watching): Promise<ExitCode> {
  return started(path, flags, watching, startPipeline)
}

/** `drover replay <file>`: what was rejected goes through the steps once more. */
export async function replayFile(path: string | undefined, flags: RunFlags, watching: Watching): Promise<ExitCode> {
  const { env } = watching.surroundings
  // What is wrong with the file is said first.
  await preparing(() => readPipeline(path, flags, env))
  await requireRun(path, flags, env)
  return started(path, flags, watching, startReplay)
}

async function started(
  path: string | undefined,
  flags: RunFlags,
  watching: Watching,
  start: (pipeline: PipelineOptions<Row>) => LiveRun,
): Promise<ExitCode> {
  const { surroundings } = watching
  const { file, options } = await preparing(async () => {
    const read = await readPipeline(path, flags, surroundings.env)
    const file = { ...read, isDryRun: start === startPipeline && (flags.dryRun ?? read.isDryRun) }
    const made = await makePipeline(file)
    const state = flags.state === undefined ? made.state : await stateByText(flags.state, file.folder)
    const options = {
      ...withOverrides(made, flags),
      ...progressOf(watching, flags),
      ...(state === undefined ? {} : { state }),
    }
    return { file, options }
  })
  try {
    if (file.isDryRun) return await rehearsed(file, options, watching)
    const run = await preparing(() => hiding(file, () => start(options)))
    const code = await follow(run, { ...watching, explain: (error) => optionRefused(file, error) }, flags.verbose)
    return code === exitCodes.rejects && start === startPipeline ? await unlessReplayed(options, watching) : code
  } finally {
    await options.state?.[Symbol.asyncDispose]()
  }
}

/** A run that has completed says what it rejected for as long as it is the newest one, also once a replay has sent all of that. */
async function unlessReplayed({ name, state, sink }: PipelineOptions<Row>, { voice }: Watching): Promise<ExitCode> {
  const kept = state ?? stateOf(sink)
  try {
    const at = await replayedAt(name, kept)
    if (at === undefined) return exitCodes.rejects
    voice.note(`What it rejected was sent again, all of it, by a replay that completed at ${at.toISOString()}.`)
    return exitCodes.done
  } finally {
    if (kept !== state) await kept[Symbol.asyncDispose]()
  }
}

/** `drover run <file> --dry-run`: what a run would do. */
async function rehearsed(file: PipelineFile, options: PipelineOptions<Row>, { voice }: Watching): Promise<ExitCode> {
  const report = await preparing(() => hiding(file, () => dryRun(options)))
  voice.tell(formatPoints(report), { event: 'dry-run', ...dryRunPoints(report), report })
  return codeOfDryRun(report)
}
