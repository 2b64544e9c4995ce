import type { Filter } from '../contracts/filter.js'
import type { Partition, Position } from '../contracts/position.js'
import type { RecordSchema } from '../contracts/schema.js'
import type { AckSession, ExactSession, Sink } from '../contracts/sink.js'
import type { Count, Source, SourceSession } from '../contracts/source.js'
import type { Lease, RunState } from '../contracts/state-store.js'
import type { Row } from '../contracts/values.js'
import type { DeadLetterStore } from '../dead-letters/dead-letter.js'
import { deadLetterFolder } from '../dead-letters/dead-letter-folder.js'
import { deadLetterSink } from '../dead-letters/dead-letter-sink.js'
import { checkOptionNames, checkText, checkWholeNumber } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { type Flow, isFlow, type Step } from '../flow/flow.js'
import { inferSchema } from '../schema/infer-schema.js'
import { directoryStateStore } from '../state/directory-state-store.js'
import { Chain } from './chain.js'
import { noCounts } from './counts.js'
import { DeadLetterDesk } from './dead-letter-desk.js'
import type { Fingerprint } from './fingerprint.js'
import type { Lane } from './lane.js'
import type { PipelineOptions } from './options.js'
import { AckLane, ExactLane, type PipelineLaneOptions } from './pipeline-lane.js'
import type { OpenedPlan, Plan, PlanHelp } from './plan.js'
import { checkRunOptions, runOptionNames } from './run-options.js'
import { stepCall } from './step-call.js'

const defaultBatchSize = 1_000
const defaultInFlightBytes = 64 * 1024 * 1024
const defaultMaxRetries = 8

const optionNames = [
  ...runOptionNames,
  'name',
  'source',
  'sink',
  'maxInFlightBytes',
  'parallel',
  'allowDuplicates',
  'deadLetters',
  'redact',
]

/** What the pipelines of adapters' backfillers say besides a pipeline's options. */
export interface PipelineKind {
  readonly kind: 'pipeline' | 'backfill'
  readonly dependsOn?: readonly string[]
}

/** Checks a pipeline's options and makes its plan; connects to nothing. @throws `OPTION_INVALID`, `DUPLICATES_NOT_ALLOWED` */
export function pipelinePlan<R>(
  options: PipelineOptions<R>,
  { kind, dependsOn = [] }: PipelineKind = { kind: 'pipeline' },
): Plan {
  const where = `${kind} ${typeof options.name === 'string' ? options.name : ''}`.trimEnd()
  checkOptionNames(where, options, optionNames)
  checkText(where, 'name', options.name)
  checkRunOptions(where, options)
  checkWholeNumber(where, 'parallel', options.parallel, 1)
  checkWholeNumber(where, 'maxInFlightBytes', options.maxInFlightBytes, 1)
  const flow: Flow<R> | { source: Source; steps: readonly Step[] } = isFlow(options.source)
    ? options.source
    : { source: options.source as Source, steps: [] }
  const { source, steps } = flow
  const sink = options.sink as unknown as Sink<Row>
  refuseDuplicates(where, source, sink, options.allowDuplicates === true)
  return {
    kind,
    name: options.name,
    source: source.name,
    sink: sink.name,
    guarantee: sink.guarantee,
    options,
    again: options.again ?? (kind === 'backfill' ? 'full' : 'nothing'),
    parallel: Math.min(options.parallel ?? 1, sink.limits?.partitions ?? Number.POSITIVE_INFINITY),
    fingerprint: fingerprintOf(source, steps, sink, options.version),
    countsWhatIsLeft: kind === 'backfill',
    dependsOn,
    defaultState: () =>
      (sink.guarantee === 'exactly-once' ? sink.stateStore?.() : undefined) ??
      directoryStateStore({ directory: '.drover' }),
    open: (help) => openPipeline({ ...options, sink } as PipelineOptions<Row>, source, steps, sink, help),
  }
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

async function openPipeline(
  options: PipelineOptions<Row>,
  source: Source,
  steps: readonly Step[],
  sink: Sink<Row>,
  help: PlanHelp,
): Promise<OpenedPlan> {
  const from = await source.connect(help.operation)
  try {
    const schema = await from.describe(help.operation)
    const { pushed, rest } = pushDown(from, steps)
    const into = await sink.connect(help.operation)
    return new OpenedPipeline(options, from, schema, pushed, rest, sink, into, help)
  } catch (error) {
    await from[Symbol.asyncDispose]()
    throw error
  }
}

/** Filters in front of all other steps go to the source, as far as it takes them. */
function pushDown(
  session: SourceSession,
  steps: readonly Step[],
): { pushed: Filter | undefined; rest: readonly Step[] } {
  const leading: Filter[] = []
  for (const step of steps) {
    if (step.kind !== 'match') break
    leading.push(step.filter)
  }
  if (leading.length === 0 || session.pushDown === undefined) return { pushed: undefined, rest: steps }
  const answer = session.pushDown(leading.length === 1 ? (leading[0] as Filter) : { and: leading })
  const behind = steps.slice(leading.length)
  return {
    pushed: answer.pushed,
    rest: answer.rest === undefined ? behind : [{ kind: 'match', filter: answer.rest }, ...behind],
  }
}

class OpenedPipeline implements OpenedPlan {
  readonly #chain: Chain
  readonly #letters: DeadLetterDesk
  #run: RunState | undefined
  #prepared: Promise<void> | undefined

  constructor(
    private readonly options: PipelineOptions<Row>,
    private readonly from: SourceSession,
    private readonly schema: RecordSchema,
    private readonly pushed: Filter | undefined,
    steps: readonly Step[],
    private readonly sink: Sink<Row>,
    private readonly into: ExactSession<Row> | AckSession<Row>,
    private readonly help: PlanHelp,
  ) {
    this.#chain = new Chain(steps, { maxRetries: this.#maxRetries })
    const { deadLetters, name, version, redact } = options
    const letters: DeadLetterStore =
      deadLetters === undefined || typeof deadLetters === 'string'
        ? deadLetterFolder(deadLetters ?? `.drover/dead-letters/${encodeURIComponent(name)}`)
        : deadLetterSink(deadLetters)
    this.#letters = new DeadLetterDesk(letters, { name, version, redact })
  }

  get deadLetters(): string | undefined {
    return this.#letters.used
  }

  async partitions(count: number): Promise<readonly Partition[]> {
    const whole: Partition = { id: 'all', bounds: null }
    if (count <= 1 || this.from.partition === undefined) return [whole]
    const partitions = await this.from.partition({ ...this.help.operation, count, ...this.#filter() })
    return partitions.length === 0 ? [whole] : partitions
  }

  async count(): Promise<Count | undefined> {
    return this.from.count?.({ ...this.help.operation, ...this.#filter() })
  }

  async begin(run: RunState): Promise<void> {
    this.#run = run
    await this.#chain.open(this.help.operation)
    const schema = this.schema.fields.length === 0 ? null : this.#chain.describe(this.schema)
    if (schema !== null) await this.#prepare(schema)
  }

  async lane(lease: Lease, lanes: number): Promise<Lane> {
    const { partition, fence } = lease
    const run = this.#run as RunState
    const fresh: Position = { run: run.run, partition, fence, sequence: 0, cursor: null, done: false, counts: noCounts }
    const stored =
      this.sink.guarantee === 'exactly-once'
        ? await (this.into as ExactSession<Row>).claim({ run: run.run, partition, fence }, this.help.operation)
        : lease.position
    const at = stored ?? fresh
    const position: Position = { ...at, partition, fence, cursor: at.cursor ?? partition.start ?? null }
    const options: PipelineLaneOptions = {
      operation: this.help.operation,
      position,
      reader: {
        session: this.from,
        partition,
        filter: this.pushed,
        chain: this.#chain,
        context: { ...this.help.operation, runStartedAt: run.startedAt },
        maxRetries: this.#maxRetries,
      },
      batchSize: Math.min(
        this.options.batchSize ?? this.sink.batchSize ?? defaultBatchSize,
        this.sink.limits?.records ?? Number.POSITIVE_INFINITY,
      ),
      bytes: Math.min(
        (this.options.maxInFlightBytes ?? defaultInFlightBytes) / lanes,
        (this.sink.limits?.bytes ?? Number.POSITIVE_INFINITY) * 2,
      ),
      maxRetries: this.#maxRetries,
      heldBytes: () => this.into.heldBytes?.() ?? 0,
      prepare: async (sample) => {
        // Without known fields the first rows say what they are; until then nothing is prepared.
        if (this.#prepared !== undefined) return this.#prepared
        const rows = await sample()
        if (rows.length > 0) await this.#prepare(this.#inferred(rows))
      },
      bury: async (rejections) => {
        if (rejections.length === 0) return
        this.help.bear(rejections)
        await this.#letters.take({ run: run.run, partition, fence }, rejections)
      },
    }
    if (this.sink.guarantee === 'exactly-once') return new ExactLane(this.into as ExactSession<Row>, options)
    return new AckLane(
      this.into as AckSession<Row>,
      { store: this.help.state, name: this.options.name },
      this.sink.inFlight ?? 1,
      options,
    )
  }

  async finish(outcome: 'completed' | 'stopped' | 'failed'): Promise<void> {
    await this.into.finish?.(outcome, {
      signal: outcome === 'failed' ? new AbortController().signal : this.help.operation.signal,
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const results = await Promise.allSettled([
      this.#chain.close(),
      this.#letters.close(),
      this.into[Symbol.asyncDispose](),
      this.from[Symbol.asyncDispose](),
    ])
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  get #maxRetries(): number {
    return this.options.maxRetries ?? defaultMaxRetries
  }

  #filter(): { filter?: Filter } {
    return this.pushed === undefined ? {} : { filter: this.pushed }
  }

  /** What rows look like behind steps that do not say: as they are, with the source's own type where a field kept its name and kind. */
  #inferred(rows: readonly Row[]): RecordSchema {
    const { fields } = inferSchema(rows)
    const known = new Map(this.schema.fields.map((field) => [field.name, field]))
    return {
      key: [],
      fields: fields.map((field) => {
        const before = known.get(field.name)
        return before !== undefined && (field.type.kind === 'any' || before.type.kind === field.type.kind)
          ? before
          : { ...field, nullable: true }
      }),
    }
  }

  #prepare(schema: RecordSchema): Promise<void> {
    this.#prepared ??= this.#checkAndPrepare(schema)
    return this.#prepared
  }

  async #checkAndPrepare(schema: RecordSchema): Promise<void> {
    const issues = this.into.check?.(schema) ?? []
    if (issues.length > 0) {
      const said = issues.map(
        ({ field, loses, remedy }) => `${field}: ${loses}${remedy === undefined ? '' : ` (${remedy})`}`,
      )
      throw new DroverError(
        'FIDELITY_LOSS',
        `${this.options.name}: ${this.sink.name} cannot hold all that ${this.options.name} would write; nothing was written. ${said.join('; ')}.`,
      )
    }
    await this.into.prepare?.(schema, this.help.operation)
  }
}
