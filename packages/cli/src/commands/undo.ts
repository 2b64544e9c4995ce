import { DroverError, type FlowBackfill, startBackfill } from '@drover/core'
import { type ExitCode, preparing } from '../exit-codes.js'
import { isModule } from '../modules/find-backfills.js'
import { readPipelineFile } from '../pipeline-file.js'
import { storeTypes } from '../stores/registry.js'
import { makeByType, storeByText } from '../stores/store-by-text.js'
import { follow, progressOf, type Watching } from './live.js'
import { overridesOf, type RunFlags } from './run-flags.js'

/** Flags of `drover undo`. */
export interface UndoFlags extends RunFlags {
  /** Another run than the newest one. */
  readonly run?: string
}

/** `drover undo <file>`, or `drover undo <run> --state <database>`: puts back what a run with `undo: true` changed. */
export async function undo(target: string, flags: UndoFlags, watching: Watching): Promise<ExitCode> {
  const { surroundings } = watching
  const options = await preparing(async () => {
    const { type, options: given, run, folder } = await written(target, flags, surroundings.env)
    const entry = storeTypes[type]?.roles.undo
    if (entry === undefined)
      throw new DroverError(
        'UNDO_IMPOSSIBLE',
        `Runs into a store of type "${type}" keep no images of what was there before.`,
      )
    const known = Object.keys(entry.options.fields).filter((name) => name !== 'batchSize' && given[name] !== undefined)
    const location = Object.fromEntries(known.map((name) => [name, given[name]]))
    const backfiller = (await makeByType(
      type,
      'undo',
      { ...location, run: flags.run ?? run },
      { folder, env: surroundings.env, isDryRun: false },
    )) as FlowBackfill
    return { backfiller, ...overridesOf(flags), ...progressOf(watching, flags) }
  })
  const run = await preparing(() => startBackfill(options))
  return follow(run, watching, flags.verbose)
}

interface Written {
  readonly type: string
  readonly options: Readonly<Record<string, unknown>>
  readonly run: string
  readonly folder: string
}

/** Where the run has written. */
async function written(target: string, { state }: UndoFlags, env: NodeJS.ProcessEnv): Promise<Written> {
  if (/\.ya?ml$/i.test(target)) {
    const file = await readPipelineFile(target, env)
    const { name, sink } = file.parts
    if (name === undefined || sink?.type === undefined)
      throw new DroverError('OPTION_INVALID', `${target} names no pipeline with a sink of a database.`)
    const { type, ...options } = sink
    return { type, options, run: name, folder: file.folder }
  }
  if (state === undefined || isModule(target)) {
    throw new DroverError(
      'OPTION_INVALID',
      `Name the run and the database that it has written to: drover undo message-tokens --state sqlite:app.db`,
    )
  }
  return { ...storeByText(state), run: target, folder: '.' }
}
