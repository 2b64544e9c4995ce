import type { Filter } from '../contracts/filter.js'
import type { Claim, Partition, Position } from '../contracts/position.js'
import type { SinkAccount } from '../contracts/report.js'
import type { RecordSchema } from '../contracts/schema.js'
import type { AckSession, ExactSession, Sink } from '../contracts/sink.js'
import type { Count, Source, SourceSession } from '../contracts/source.js'
import type { Lease, RunState } from '../contracts/state-store.js'
import type { Row } from '../contracts/values.js'
import type { DeadLetterStore } from '../dead-letters/dead-letter.js'
import type { DeletesWanted } from '../deletes/deletes-option.js'
import { deletesPartition, isDeletes } from '../deletes/deletes-partition.js'
import type { Step } from '../flow/flow.js'
import { AckLane } from './ack-lane.js'
import { Chain } from './chain.js'
import { checkSteps, namesFields } from './check-steps.js'
import { closeAll, keeping } from './closing.js'
import { noCounts } from './counts.js'
import { DeadLetterDesk } from './dead-letter-desk.js'
import { ExactLane } from './exact-lane.js'
import type { Rejection } from './held-page.js'
import type { Lane } from './lane.js'
import { defaultLeaseMs } from './leases.js'
import type { PipelineOptions } from './options.js'
import type { PipelineLaneOptions } from './pipeline-lane.js'
import type { OpenedPlan, PlanHelp } from './plan.js'
import { Removal } from './removal.js'
import { SinkReadiness } from './sink-readiness.js'

const defaultBatchSize = 1_000
const noSchema: RecordSchema = { fields: [], key: [] }
const defaultInFlightBytes = 64 * 1024 * 1024

export interface PipelineParts {
  readonly options: Omit<PipelineOptions<never>, 'source' | 'sink'>
  readonly source: Source
  readonly steps: readonly Step[]
  readonly sink: Sink<Row>
  readonly deletes: DeletesWanted | null
  readonly letters: DeadLetterStore
  /** The pipeline that they name. */
  readonly lettersOf: string
  readonly help: PlanHelp
}

/** Connects to source and sink; what was opened is closed again if the other cannot be. */
export async function openPipeline(parts: PipelineParts): Promise<OpenedPlan> {
  const { source, sink, steps, help } = parts
  const { opening, warn, info } = help
  const lanes = Math.min(parts.options.parallel ?? 1, sink.limits?.partitions ?? Number.POSITIVE_INFINITY)
  const operation = { ...help.operation, lanes, warn }
  const from = await source.connect(opening.connecting('source', operation))
  return keeping(
    from,
    async () => {
      const { pushed, rest } = pushDown(from, steps)
      const chain = new Chain(rest, { maxRetries: help.retrying.maxRetries })
      const into = await sink.connect({ ...opening.connecting('sink', operation), info })
      const connected = async (): Promise<OpenedPlan> => {
        // Finding out what records look like may mean to read some: only for who wants to know.
        opening.at('source')
        const isAsked = into.check !== undefined || into.prepare !== undefined || namesFields(steps)
        const { isInferred = false, ...schema } = isAsked ? await from.describe(help.operation) : noSchema
        checkSteps(parts.options.name, steps, { ...schema, isInferred })
        return new OpenedPipeline(parts, { from, schema, pushed, chain, into })
      }
      return keeping(into, connected, help.alsoFailed)
    },
    help.alsoFailed,
  )
}

/** Filters in front of all other steps go to the source, as far as it takes them. */
export function pushDown(
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

interface Opened {
  readonly from: SourceSession
  readonly schema: RecordSchema
  readonly pushed: Filter | undefined
  readonly chain: Chain
  readonly into: ExactSession<Row> | AckSession<Row>
}

class OpenedPipeline implements OpenedPlan {
  readonly #letters: DeadLetterDesk
  readonly #readiness: SinkReadiness
  readonly #removal: Removal
  #run: RunState | undefined

  constructor(
    private readonly parts: PipelineParts,
    private readonly opened: Opened,
  ) {
    const { options, letters, lettersOf, sink, help } = parts
    const hasParts = opened.from.hasParts === true
    const { name, version, redact } = options
    this.#letters = new DeadLetterDesk(letters, { name: lettersOf, version, hasParts, redact, retrying: help.retrying })
    this.#removal = new Removal(parts)
    this.#readiness = new SinkReadiness({ name, sink: sink.name, session: opened.into, known: opened.schema, help })
  }

  get account(): SinkAccount | undefined {
    return this.opened.into.account?.()
  }

  get deadLetters(): string | undefined {
    return this.#letters.used
  }

  async partitions(count: number, isRepeat: boolean): Promise<readonly Partition[]> {
    const partitions = await this.#partitions(count)
    return isRepeat && this.parts.deletes !== null ? [...partitions, deletesPartition] : partitions
  }

  async #partitions(count: number): Promise<readonly Partition[]> {
    const { from } = this.opened
    this.parts.help.opening.at('source')
    const whole: Partition = { id: 'all', bounds: null }
    if (from.partition === undefined || (count <= 1 && from.hasParts !== true)) return [whole]
    const partitions = await from.partition({ ...this.parts.help.operation, count, ...this.#filter() })
    return partitions.length === 0 ? [whole] : partitions
  }

  async count(): Promise<Count | undefined> {
    this.parts.help.opening.at('source')
    return this.opened.from.count?.({ ...this.parts.help.operation, ...this.#filter() })
  }

  async begin(run: RunState): Promise<void> {
    const { chain, schema } = this.opened
    this.#run = run
    const { opening, operation } = this.parts.help
    opening.at('transform')
    await chain.open(operation)
    const described = schema.fields.length === 0 ? null : chain.describe(schema)
    opening.at('sink')
    if (described !== null) await this.#readiness.prepare(described)
  }

  async lane(lease: Lease, lanes: () => number): Promise<Lane> {
    const { options, sink, help } = this.parts
    const { from, schema, pushed, chain, into } = this.opened
    const { partition, fence } = lease
    const run = this.#run as RunState
    const claim = { run: run.run, partition, fence }
    help.opening.at('sink')
    // Who deletes has a session for that.
    const position = isDeletes(partition) ? fresh(claim) : await this.#positionOf(lease)
    await this.#letters.resume(claim, position.sequence)
    // A page finds the keys of its records in its columns.
    const isKeyKept = schema.fields.length > 0 && !chain.sets(schema.key)
    const bear = (count: number, rejections: () => readonly Rejection[]): void =>
      help.limit.bear(partition.id, count, rejections)
    const laneOptions: PipelineLaneOptions = {
      operation: help.operation,
      position,
      where: `${options.name}: sink ${sink.name}`,
      reader: {
        session: from,
        source: `${options.name}: source ${this.parts.source.name}`,
        run: run.run,
        partition,
        filter: pushed,
        chain,
        forms: () => into.forms,
        takes: (page) => isKeyKept && into.takes?.(page) === true,
        context: { ...help.operation, runStartedAt: run.startedAt },
        bear,
      },
      batchSize: options.batchSize ?? sink.batchSize ?? defaultBatchSize,
      ceiling: {
        records: sink.limits?.records ?? Number.POSITIVE_INFINITY,
        bytes: sink.limits?.bytes ?? Number.POSITIVE_INFINITY,
      },
      get bytes() {
        return (options.maxInFlightBytes ?? defaultInFlightBytes) / lanes()
      },
      maxRetries: help.retrying.maxRetries,
      heldBytes: () => into.heldBytes?.() ?? 0,
      takesPagesOnce: sink.guarantee === 'exactly-once' && into.takesPagesOnce === true,
      ask: async (side, operation) => [
        ...((side === 'sink' && (await into.waitsFor?.(partition, operation))) || []),
        ...(await help.opening.ask(side, operation)),
      ],
      prepare: (sample) => this.#readiness.prepareFor(sample),
      confirm: async () => {
        const ttlMs = options.leaseMs ?? defaultLeaseMs
        await help.state.heartbeat(lease, { ...help.operation, ttlMs })
      },
      bear: (rejections) => bear(rejections.length, () => rejections),
      bury: async (sequence, rejections) => {
        if (rejections.length === 0) return
        help.limit.reserve(partition.id, rejections)
        await this.#letters.take(claim, sequence, rejections)
      },
    }
    if (isDeletes(partition))
      return this.#removal.lane(claim, run, { lane: laneOptions, readBack: () => into.readBack?.() })
    if (sink.guarantee === 'exactly-once') return new ExactLane(into as ExactSession<Row>, laneOptions)
    const state = { store: help.state, name: options.name }
    return new AckLane(into as AckSession<Row>, state, sink.inFlight ?? 1, laneOptions)
  }

  async finish(outcome: 'completed' | 'stopped' | 'failed', positions: readonly Position[]): Promise<void> {
    const { help, letters } = this.parts
    await this.opened.into.finish?.(outcome, help.operation)
    if (outcome !== 'completed') return
    await this.#letters.close(help.alsoFailed)
    await letters.finish?.(positions.filter(({ counts }) => counts.rejected > 0))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { chain, into, from } = this.opened
    const { alsoFailed } = this.parts.help
    await closeAll(
      [
        () => chain.close(alsoFailed),
        () => this.#letters.close(alsoFailed),
        () => this.#removal[Symbol.asyncDispose](),
        () => into[Symbol.asyncDispose](),
        () => from[Symbol.asyncDispose](),
      ],
      alsoFailed,
    )
  }

  /** Where the partition stands: the sink knows if it keeps positions, else the state store. */
  async #positionOf({ run, partition, fence, position }: Lease): Promise<Position> {
    const { sink, help } = this.parts
    const stored =
      sink.guarantee === 'exactly-once'
        ? await (this.opened.into as ExactSession<Row>).claim({ run, partition, fence }, help.operation)
        : position
    const at = stored ?? fresh({ run, partition, fence })
    return { ...at, partition, fence, cursor: at.cursor ?? partition.start ?? null }
  }

  #filter(): { filter?: Filter } {
    const { pushed } = this.opened
    return pushed === undefined ? {} : { filter: pushed }
  }
}

function fresh(claim: Claim): Position {
  return { ...claim, sequence: 0, cursor: null, done: false, counts: noCounts }
}
