import type { Sink } from '../contracts/sink.js'
import type { Source } from '../contracts/source.js'
import type { Row } from '../contracts/values.js'
import type { DeadLetterStore } from '../dead-letters/dead-letter.js'
import { deadLetterFolder } from '../dead-letters/dead-letter-folder.js'
import { deadLetterSink } from '../dead-letters/dead-letter-sink.js'
import { checkDeletes, deletesWanted } from '../deletes/deletes-option.js'
import { DroverError } from '../errors/drover-error.js'
import { isFlow, type Step } from '../flow/flow.js'
import { directoryStateStore } from '../state/directory-state-store.js'
import type { Fingerprint } from './fingerprint.js'
import { openPipeline } from './opened-pipeline.js'
import type { PipelineOptions } from './options.js'
import { checkPipelineOptions } from './pipeline-options.js'
import type { Plan } from './plan.js'
import { stepCall } from './step-call.js'

/** What the pipelines of adapters' backfillers say besides a pipeline's options. */
export interface PipelineKind {
  readonly kind: 'pipeline' | 'backfill'
  readonly dependsOn?: readonly string[]
  /** The pipeline whose dead letters this run's are, where it is another one. */
  readonly lettersOf?: string
}

/** Checks a pipeline's options and makes its plan; connects to nothing. @throws `OPTION_INVALID`, `DUPLICATES_NOT_ALLOWED` */
export function pipelinePlan<R>(
  options: PipelineOptions<R>,
  { kind, dependsOn = [], lettersOf }: PipelineKind = { kind: 'pipeline' },
): Plan {
  const where = checkPipelineOptions(kind, options)
  const { source, steps } = isFlow(options.source)
    ? options.source
    : { source: options.source as Source, steps: [] as readonly Step[] }
  const sink = options.sink as unknown as Sink<Row>
  refuseDuplicates(where, source, sink, options.allowDuplicates === true)
  const letters = letterStoreOf(options)
  const again = options.again ?? (kind === 'backfill' ? 'full' : 'nothing')
  if (again === 'incremental') refuseUnordered(where, source)
  const deletes = deletesWanted(where, options.deletes)
  if (deletes !== null) checkDeletes(where, again, sink)
  return {
    kind,
    name: options.name,
    source: source.name,
    sink: sink.name,
    guarantee: sink.guarantee,
    options,
    again,
    parallel: Math.min(options.parallel ?? 1, sink.limits?.partitions ?? Number.POSITIVE_INFINITY),
    fingerprint: {
      ...fingerprintOf(source, steps, sink, options.version),
      ...(deletes === null ? {} : { deletes: deletes.removing }),
    },
    countsWhatIsLeft: kind === 'backfill',
    dependsOn,
    defaultState: () =>
      (sink.guarantee === 'exactly-once' ? sink.stateStore?.() : undefined) ??
      directoryStateStore({ directory: '.drover' }),
    open: (help) =>
      openPipeline({ options, source, steps, sink, deletes, letters, lettersOf: lettersOf ?? options.name, help }),
  }
}

/** What came since stands anywhere in its order. @throws `OPTION_INVALID` */
function refuseUnordered(where: string, { name, isUnordered }: Source): void {
  if (isUnordered !== true) return
  throw new DroverError(
    'OPTION_INVALID',
    `${where}: ${name} cannot tell which records came since the last run, so again: 'incremental' would miss them. Say again: 'full', with a sink that updates or skips what is there.`,
  )
}

function refuseDuplicates(where: string, source: Source, sink: Sink<Row>, allowed: boolean): void {
  if (allowed) return
  const keyed = sink.keyed ?? sink.guarantee === 'idempotent'
  if (source.repeats === true && !keyed) {
    throw new DroverError(
      'DUPLICATES_NOT_ALLOWED',
      `${where}: ${source.name} may give a record twice and ${sink.name} has no key to tell; write by a key (onConflict), or pass allowDuplicates: true.`,
    )
  }
  if (sink.guarantee === 'at-least-once') {
    throw new DroverError(
      'DUPLICATES_NOT_ALLOWED',
      `${where}: ${sink.name} writes at least once: after a crash the last batch may be written again. Pass allowDuplicates: true to accept that, or write by a deterministic id and call the sink idempotent.`,
    )
  }
}

function letterStoreOf<R>({ name, deadLetters }: PipelineOptions<R>): DeadLetterStore {
  return deadLetters === undefined || typeof deadLetters === 'string'
    ? deadLetterFolder(deadLetters ?? defaultLetters(name))
    : deadLetterSink(deadLetters)
}

/** The folder of the dead letters of a pipeline that names none. */
export function defaultLetters(name: string): string {
  return `.drover/dead-letters/${encodeURIComponent(name)}`
}

function fingerprintOf(
  source: Source,
  steps: readonly Step[],
  sink: Sink<Row>,
  version: string | undefined,
): Fingerprint {
  return {
    version: version ?? null,
    source: source.version === undefined ? source.name : `${source.name}@${source.version}`,
    sink: sink.version === undefined ? sink.name : `${sink.name}@${sink.version}`,
    steps: steps.map((step, index) => {
      if (step.kind === 'match')
        return `filter ${JSON.stringify(step.filter, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))}`
      const { name, traits } = stepCall(step, index + 1)
      return traits?.version === undefined ? name : `${name}@${traits.version}`
    }),
  }
}
