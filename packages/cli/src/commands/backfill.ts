import { startBackfill } from '@drover/core'
import { type ExitCode, exitCodes, preparing } from '../exit-codes.js'
import { makeRunOptions, makeState } from '../make-pipeline.js'
import { aboutBackfill, chooseBackfill, findBackfills, type ListedBackfill } from '../modules/find-backfills.js'
import { type AnyBackfill, loadBackfill } from '../modules/load-backfill.js'
import { type PipelineFile, readPipelineFile } from '../pipeline-file.js'
import { stateByText } from '../stores/store-by-text.js'
import type { Voice } from '../terminal/voice.js'
import { follow, progressOf, type Watching } from './live.js'
import { type RunFlags, withOverrides } from './run-flags.js'

/** Flags of `drover backfill`. */
export interface BackfillFlags extends RunFlags {
  /** A YAML file that lists backfills. */
  readonly file?: string
  readonly list?: boolean
}

/** `drover backfill <module>` */
export async function runBackfillModule(wanted: string, flags: BackfillFlags, watching: Watching): Promise<ExitCode> {
  const { surroundings } = watching
  const options = await preparing(async () => {
    const listed = chooseBackfill(wanted, await findBackfills(await fileOf(flags, surroundings.env)))
    const made = await makeBackfill(listed, flags)
    return { ...withOverrides(made, flags), ...progressOf(watching, flags) }
  })
  try {
    const run = await preparing(() => startBackfill(options as AnyBackfill))
    return await follow(run, watching, flags.verbose)
  } finally {
    await options.state?.[Symbol.asyncDispose]()
  }
}

/** `drover backfill --list` */
export async function listBackfills(flags: BackfillFlags, { voice, surroundings }: Watching): Promise<ExitCode> {
  const listed = await preparing(async () => findBackfills(await fileOf(flags, surroundings.env)))
  if (listed.length === 0) {
    const where = flags.file === undefined ? 'here, or in the folder backfills' : `in ${flags.file}`
    voice.note(`There is no backfill ${where}. Begin one: drover create backfill <feature>`)
  }
  for (const backfill of listed) await tellAbout(backfill, voice)
  return exitCodes.done
}

/** The options of the module, those of the file that lists it, and the state store of the command line, the later before the earlier. */
export async function makeBackfill({ module, folder, part }: ListedBackfill, flags: RunFlags): Promise<AnyBackfill> {
  const loaded = await loadBackfill(module, folder).catch((error: unknown) => {
    throw part === undefined ? error : part.file.error(part.at, error)
  })
  const listedOptions = part === undefined ? {} : await makeRunOptions(part.file, part.at, part.options)
  const dependsOn = part?.options.dependsOn
  const state =
    flags.state !== undefined
      ? await stateByText(flags.state, folder)
      : part === undefined
        ? undefined
        : await makeState(part.file)
  return {
    ...loaded,
    ...listedOptions,
    ...(dependsOn === undefined ? {} : { dependsOn }),
    ...(state === undefined ? {} : { state }),
  } as AnyBackfill
}

async function fileOf({ file }: BackfillFlags, env: NodeJS.ProcessEnv): Promise<PipelineFile | undefined> {
  return file === undefined ? undefined : readPipelineFile(file, env)
}

async function tellAbout(backfill: ListedBackfill, voice: Voice): Promise<void> {
  const { feature, module } = backfill
  const about = await aboutBackfill(backfill)
  const lines = [`${feature}  ${module}`]
  for (const part of ['Purpose', 'When to run']) if (about[part]) lines.push(`  ${part.toLowerCase()}: ${about[part]}`)
  voice.tell(lines.join('\n'), { feature, module, purpose: about.Purpose, whenToRun: about['When to run'] })
}
