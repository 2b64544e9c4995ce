import { stat } from 'node:fs/promises'
import {
  DroverError,
  directoryStateStore,
  operate,
  type PipelineOptions,
  type Row,
  type Sink,
  type StateStore,
} from '@drover/core'
import { type DocumentFlags, hasDocumentFlags, readPipeline } from '../document/document-flags.js'
import { preparing, UsageError } from '../exit-codes.js'
import { makePipeline } from '../make-pipeline.js'
import { findBackfills, isModule, type ListedBackfill } from '../modules/find-backfills.js'
import type { AnyBackfill } from '../modules/load-backfill.js'
import type { PipelineFile } from '../pipeline-file.js'
import { stateByText, storeByText } from '../stores/store-by-text.js'
import { makeBackfill } from './backfill.js'

/** Flags that say what a command is about, beside its argument. */
export interface SubjectFlags extends DocumentFlags {
  readonly state?: string
}

/** Something that a command is about: a run by its name, and where it is kept. */
export interface Subject extends AsyncDisposable {
  /** Undefined for all that the state store keeps. */
  readonly name: string | undefined
  readonly state: StateStore
  readonly pipeline?: { readonly file: PipelineFile; readonly options: PipelineOptions<Row> }
  readonly backfill?: AnyBackfill
}

/**
 * What is meant: a pipeline's file, a backfill's module, or the name of a run.
 *
 * @param how `mayBeNew`: that a run was never begun is no mistake. `embeds`: whether vectors may have to be made; whoever only asks for a run needs no key for that.
 * @param flags Without `--state` a file or module says where its run is kept, and a name is looked for in the folder `.drover`.
 */
export async function subjectOf(
  target: string | undefined,
  flags: SubjectFlags,
  env: NodeJS.ProcessEnv,
  {
    mayBeNew = false,
    isDryRun = false,
    embeds = true,
  }: { readonly mayBeNew?: boolean; readonly isDryRun?: boolean; readonly embeds?: boolean } = {},
): Promise<Subject> {
  const { state: stateText } = flags
  // To look for a run must not create the place that it would be kept in.
  if (!mayBeNew && stateText !== undefined) await requireStore(stateText)
  if (hasDocumentFlags(flags) || (target !== undefined && isPipelineFile(target))) {
    const read = await readPipeline(target, flags, env)
    return fileSubject(embeds ? read : unasked(read), stateText, mayBeNew, isDryRun)
  }
  if (target === undefined || !isModule(target)) {
    const state = stateText === undefined ? await usualState() : await stateByText(stateText, '.')
    return { name: target, state, [Symbol.asyncDispose]: () => state[Symbol.asyncDispose]() }
  }
  return backfillSubject(target, stateText)
}

/** The same where a model's key need not be set: nobody asks the model who only asks how far a run has come. */
function unasked(file: PipelineFile): PipelineFile {
  return { ...file, env: { ...file.env, OPENAI_API_KEY: file.env.OPENAI_API_KEY || 'unasked' } }
}

async function fileSubject(
  read: PipelineFile,
  stateText: string | undefined,
  mayBeNew: boolean,
  isDryRun: boolean,
): Promise<Subject> {
  const file = isDryRun ? { ...read, isDryRun } : read
  const options = await makePipeline(file)
  if (!mayBeNew && stateText === undefined && options.state === undefined) await requireDatabase(file)
  const state =
    stateText === undefined ? (options.state ?? stateOf(options.sink)) : await stateByText(stateText, file.folder)
  return {
    name: options.name,
    state,
    pipeline: { file, options },
    [Symbol.asyncDispose]: () => state[Symbol.asyncDispose](),
  }
}

async function backfillSubject(module: string, stateText: string | undefined): Promise<Subject> {
  const [listed] = await findBackfills(undefined).then((found) => found.filter((one) => one.module === module))
  const wanted: ListedBackfill = listed ?? { feature: module, module, folder: '.' }
  const backfill = await makeBackfill(wanted, stateText === undefined ? {} : { state: stateText })
  const { backfiller } = backfill
  const state = backfill.state ?? ('sink' in backfiller ? stateOf(backfiller.sink) : defaultState())
  return { name: backfiller.name, state, backfill, [Symbol.asyncDispose]: () => state[Symbol.asyncDispose]() }
}

/** Where a run is kept that names no state store: with its sink, if that is exact. */
export function stateOf(sink: Sink<Row>): StateStore {
  return (sink.guarantee === 'exactly-once' ? sink.stateStore?.() : undefined) ?? defaultState()
}

function defaultState(): StateStore {
  return directoryStateStore({ directory: usualFolder })
}

const usualFolder = '.drover'

async function usualState(): Promise<StateStore> {
  const found = await stat(usualFolder).catch(() => undefined)
  if (found?.isDirectory() === true) return defaultState()
  throw new DroverError(
    'SOURCE_NOT_FOUND',
    `There is no folder ${usualFolder} here. Name the pipeline's file, or its state store: --state sqlite:app.db, --state postgres://…, --state redis://…, --state <folder>.`,
  )
}

/** Looking for a run must not create the database that it would be in. */
async function requireDatabase(file: PipelineFile): Promise<void> {
  const { name, sink } = file.parts
  const filename = sink?.type === 'sqlite' ? sink.filename : undefined
  if (typeof filename !== 'string' || isUrl(filename)) return
  if ((await stat(filename).catch(() => undefined)) !== undefined) return
  throw new DroverError(
    'RUN_UNKNOWN',
    `There is no run "${name}" yet: there is no database ${filename}. Begin it: drover run ${file.path}`,
  )
}

/** @throws `SOURCE_NOT_FOUND` for a file or folder that is not there. */
async function requireStore(stateText: string): Promise<void> {
  const { type, options } = storeByText(stateText)
  const place = type === 'sqlite' ? options.filename : options.directory
  if (typeof place !== 'string' || isUrl(place)) return
  if ((await stat(place).catch(() => undefined)) !== undefined) return
  const what = type === 'sqlite' ? 'database' : 'folder'
  throw new DroverError('SOURCE_NOT_FOUND', `--state: there is no ${what} ${place}.`)
}

function isUrl(filename: string): boolean {
  return /^(?:sqlite3?|file):/i.test(filename)
}

/**
 * That a run was begun: what is about its past has nothing to do else, and must create nothing.
 *
 * @throws `UsageError` of `RUN_UNKNOWN`
 */
export async function requireRun(
  target: string | undefined,
  flags: SubjectFlags,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  await using subject = await preparing(() => subjectOf(target, flags, env))
  try {
    if (subject.name !== undefined) await operate(subject.state).status(subject.name)
  } catch (error) {
    throw DroverError.isInstance(error, 'RUN_UNKNOWN') ? new UsageError(error) : error
  }
}

/** Whether it names a pipeline's file, and not a run by its name. */
export function isPipelineFile(target: string): boolean {
  return /\.(?:ya?ml|json)$/i.test(target)
}
