import { startPipeline } from '@drover/core'
import { type ExitCode, preparing } from '../exit-codes.js'
import { makePipeline } from '../make-pipeline.js'
import { readPipelineFile } from '../pipeline-file.js'
import { stateByText } from '../stores/state-by-text.js'
import { follow, progressOf, type Watching } from './live.js'
import { overridesOf, type RunFlags } from './run-flags.js'

/** `drover run <file>` */
export async function runFile(path: string, flags: RunFlags, watching: Watching): Promise<ExitCode> {
  const { voice, surroundings } = watching
  const pipeline = await preparing(async () => {
    const file = await readPipelineFile(path, surroundings.env)
    const made = await makePipeline(file)
    const state = flags.state === undefined ? made.state : await stateByText(flags.state, file.folder)
    return { ...made, ...overridesOf(flags), ...progressOf(voice, flags), ...(state === undefined ? {} : { state }) }
  })
  try {
    const run = await preparing(() => startPipeline(pipeline))
    return await follow(run, watching)
  } finally {
    await pipeline.state?.[Symbol.asyncDispose]()
  }
}
