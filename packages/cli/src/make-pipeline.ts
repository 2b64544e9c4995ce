import {
  DroverError,
  type Filter,
  type Flow,
  from,
  isFlow,
  type PipelineOptions,
  type Row,
  type Sink,
  type Source,
  type StateStore,
} from '@drover/core'
import { loadExport } from './modules/load-module.js'
import { spokenOf } from './option-place.js'
import type { ChosenPart, PipelineFile, PipelineParts } from './pipeline-file.js'
import { runFields } from './pipeline-shape.js'
import { checkpoints } from './stores/checkpoints.js'
import { loadPackage } from './stores/load-package.js'
import { makeByType } from './stores/store-by-text.js'
import type { Making, Role } from './stores/store-type.js'
import { transformersOfAgents, transformerTypes } from './transformers.js'

/** What of a file overrides or follows from the command line. */
export type Overrides = Partial<PipelineOptions<Row>>

/**
 * Makes of a file what `runPipeline` takes. Packages and modules are loaded; nothing is connected to.
 *
 * ```ts
 * await runPipeline(await makePipeline(await readPipelineFile('messages.yaml')))
 * ```
 *
 * @throws `PACKAGE_MISSING`, `OPTION_INVALID`, `NAME_UNKNOWN`, `SOURCE_NOT_FOUND` (a module), all with line and column.
 */
export async function makePipeline(file: PipelineFile): Promise<PipelineOptions<Row>> {
  const { name, source, filter, transform = [], sink, allowDuplicates, deletes } = file.parts
  if (name === undefined || source === undefined || sink === undefined) {
    const missing = ['name', 'source', 'sink'].filter((part) => file.parts[part] === undefined)
    throw file.error([], new DroverError('OPTION_INVALID', `this is no pipeline: it lacks ${missing.join(' and ')}`))
  }
  const read = await makeSource(file, source)
  let flow = isFlow(read) ? read : from(read)
  if (filter !== undefined) flow = await placed(file, ['filter'], () => flow.filter(filter as Filter))
  for (const [i, step] of transform.entries())
    flow = await withStep(file, ['transform', i], flow, step, source.type === 'checkpoints')
  const state = await makeState(file)
  return {
    name,
    source: flow,
    sink: (await makeStore(file, ['sink'], 'sink', sink)) as Sink<Row>,
    ...(await makeRunOptions(file, [], file.parts)),
    ...(allowDuplicates === undefined ? {} : { allowDuplicates: allowDuplicates as boolean }),
    ...(deletes === undefined ? {} : { deletes: deletes as 'propagate' }),
    ...(state === undefined ? {} : { state }),
  }
}

/** The state store that a file names. */
export async function makeState(file: PipelineFile): Promise<StateStore | undefined> {
  const { state } = file.parts
  return state === undefined ? undefined : ((await makeStore(file, ['state'], 'state', state)) as StateStore)
}

/** Options of a run as they stand in a file, in the forms that core takes. */
export async function makeRunOptions(
  file: PipelineFile,
  at: readonly (string | number)[],
  part: Readonly<Record<string, unknown>>,
): Promise<Overrides> {
  const { deadLetters, stopAfter, signals, ...rest } = Object.fromEntries(
    Object.keys(runFields).flatMap((name) => (part[name] === undefined ? [] : [[name, part[name]]])),
  )
  return {
    ...rest,
    ...(deadLetters === undefined
      ? {}
      : {
          deadLetters:
            typeof deadLetters === 'string'
              ? deadLetters
              : ((await makeStore(file, [...at, 'deadLetters'], 'sink', deadLetters as ChosenPart)) as Sink<Row>),
        }),
    ...(signals === undefined ? {} : { signals: await makeSignals(file, [...at, 'signals'], signals as ChosenPart[]) }),
    ...(stopAfter === undefined
      ? {}
      : { stopAfter: makeStopAfter(file, [...at, 'stopAfter'], stopAfter as StopAfterPart) }),
  }
}

/** Of a store that has several, all. */
async function makeSignals(
  file: PipelineFile,
  at: readonly (string | number)[],
  parts: readonly ChosenPart[],
): Promise<NonNullable<Overrides['signals']>> {
  const made: unknown[] = []
  for (const [i, part] of parts.entries()) made.push(await makeStore(file, [...at, i], 'signal', part))
  return made.flat() as unknown as NonNullable<Overrides['signals']>
}

/** A date of any other form is taken in whatever way the host's zone and V8 have it. */
const isInstant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/i

type StopAfterPart = NonNullable<PipelineParts['stopAfter']>

function makeStopAfter(
  file: PipelineFile,
  at: readonly (string | number)[],
  { deadline, ...rest }: StopAfterPart,
): NonNullable<Overrides['stopAfter']> {
  if (deadline === undefined) return rest
  const instant = new Date(deadline)
  if (isInstant.test(deadline) && !Number.isNaN(instant.getTime())) return { ...rest, deadline: instant }
  const wrong = `deadline is an instant such as 2025-01-31T06:00:00Z, not ${JSON.stringify(deadline)}`
  throw file.error([...at, 'deadline'], new DroverError('OPTION_INVALID', wrong))
}

/** A module may give a flow, with steps of its own. */
async function makeSource(file: PipelineFile, part: ChosenPart): Promise<Source | Flow<Row>> {
  const made = await makeStore(file, ['source'], 'source', part)
  if (typeof made === 'object' && made !== null) return made as Source | Flow<Row>
  throw file.error(['source'], new DroverError('OPTION_INVALID', 'this module exports no source'))
}

/** What a package's factory, or a module, makes of a part. */
async function makeStore(
  file: PipelineFile,
  at: readonly (string | number)[],
  role: Role,
  part: ChosenPart,
): Promise<unknown> {
  const { type, ...options } = part
  if (type === undefined) return makeFromModule(file, at, part)
  try {
    return await makeByType(type, role, options, makingOf(file))
  } catch (error) {
    throw file.error([...at, ...spokenOf(options, error)], error)
  }
}

function makingOf({ folder, env, isDryRun }: PipelineFile): Making {
  return { folder, env, isDryRun }
}

async function withStep(
  file: PipelineFile,
  at: readonly (string | number)[],
  flow: Flow<Row>,
  part: ChosenPart,
  ofAgents: boolean,
): Promise<Flow<Row>> {
  const { type, ...options } = part
  const ofRecord = type === undefined ? undefined : transformersOfAgents[type]
  if (ofRecord !== undefined && Object.keys(options).length === 0 && ofAgents)
    return placed(file, at, async () => {
      const make = (await loadPackage('checkpoints', checkpoints, file.folder))[ofRecord] as () => Step
      return flow.pipe(make())
    })
  if (type === 'normalize-timestamps' && options.fields === undefined)
    throw file.error(
      at,
      new DroverError(
        'OPTION_INVALID',
        'this lacks fields: only records of a source of type checkpoints have timestamps of their own, and take no options',
      ),
    )
  const built = type === undefined ? undefined : transformerTypes[type]
  if (built !== undefined) return placed(file, at, () => flow.pipe(built.make(options as never) as Step))
  const value = await makeFromModule(file, at, part)
  // A schema may be a function too, as those of arktype are.
  if (isStandardSchema(value)) return placed(file, at, () => flow.validate(value) as unknown as Flow<Row>)
  return placed(file, at, () => {
    if (typeof value === 'function') return flow.pipe(value as Step)
    throw new DroverError(
      'OPTION_INVALID',
      `${part.module} exports no transformer: that is a function of a record, or a schema (zod, valibot, arktype)`,
    )
  })
}

type Step = (record: Row) => Row | null
type Validating = Parameters<Flow<Row>['validate']>[0]

function isStandardSchema(value: unknown): value is Validating {
  return ((typeof value === 'object' && value !== null) || typeof value === 'function') && '~standard' in value
}

/** With options, the export is a function that makes it. */
function makeFromModule(
  file: PipelineFile,
  at: readonly (string | number)[],
  { module = '', options }: ChosenPart,
): Promise<unknown> {
  return placed(file, [...at, 'module'], async () => {
    const { value } = await loadExport(module, file.folder)
    if (options === undefined) return value
    if (typeof value === 'function') return (value as (options: unknown) => unknown)(options)
    throw new DroverError('OPTION_INVALID', `${module} is given options, and is no function that could take them`)
  })
}

/** What fails is said with the place in the file that asked for it. */
async function placed<T>(
  file: PipelineFile,
  at: readonly (string | number)[],
  make: () => T | Promise<T>,
): Promise<Awaited<T>> {
  try {
    return await make()
  } catch (error) {
    throw file.error(at, error)
  }
}
