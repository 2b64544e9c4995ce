import { type LiveRun, type PipelineOptions, type Row, startPipeline, startReplay } from '@drover/core'
import { type ExitCode, preparing } from '../exit-codes.js'
import { makePipeline } from '../make-pipeline.js'
import { hiding, readPipelineFile } from '../pipeline-file.js'
import { stateByText } from '../stores/store-by-text.js'
import { follow, progressOf, type Watching } from './live.js'
import { type RunFlags, withOverrides } from './run-flags.js'
import { isPipelineFile, requireRun } from './subject.js'

/** `drover run <file>` */
export function runFile(path: string, flags: RunFlags, watching: Watching): Promise<ExitCode> {
  return started(path, flags, watching, startPipeline)
}

/** `drover replay <file>`: what was rejected goes through the steps once more. */
export async function replayFile(path: string, flags: RunFlags, watching: Watching): Promise<ExitCode> {
  if (isPipelineFile(path)) await requireRun(path, flags.state, watching.surroundings.env)
  return started(path, flags, watching, startReplay)
}

async function started(
  path: string,
  flags: RunFlags,
  watching: Watching,
  start: (pipeline: PipelineOptions<Row>) => LiveRun,
): Promise<ExitCode> {
  const { surroundings } = watching
  const { file, options } = await preparing(async () => {
    const file = await readPipelineFile(path, surroundings.env)
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
    const run = await preparing(() => hiding(file, () => start(options)))
    return await follow(run, watching)
  } finally {
    await options.state?.[Symbol.asyncDispose]()
  }
}
