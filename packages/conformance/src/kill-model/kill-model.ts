import {
  type Counts,
  from,
  type MemoryStore,
  memoryAckSink,
  memorySource,
  memoryStateStore,
  memoryStore,
  type RecordSchema,
  type Report,
  type Row,
  runPipeline,
  type Sink,
  type Source,
  type StateStore,
} from '@drover/core'
import { differences } from '../support/differences.js'
import { type KillModelReport, killAtEveryStep, type Trial } from './every-step.js'
import type { Exclusive, Life } from './life.js'
import { childrenOf, childSchema, type Head, headSchema, heads, isKept, isPoison, isPoisoned } from './model-herd.js'
import { mortalSink } from './mortal-sink.js'
import { mortalSource } from './mortal-source.js'
import { mortalStateStore } from './mortal-state-store.js'
import type { RefusalKind } from './refusals.js'

/** Stores made for one trial. What `openSink` and the others give is what a process that starts now would make. */
export interface KillModelHarness extends AsyncDisposable {
  openSink(): Sink
  /** The rows that a reader of the sink's store sees, once a run has completed. */
  contents(): Promise<readonly Row[]>
  /** A source that holds the records `create` was given. @default a memory source */
  openSource?(): Source
  /** @default the sink's own if it has one, else one in memory */
  openState?(): StateStore
  /** Where dead letters go, and the keys of those that are there. @default a sink in memory, in which every write is a step */
  readonly deadLetters?: { open(): string | Sink; keys(): Promise<readonly unknown[]> }
}

export interface KillModelOptions {
  /** Makes empty stores: a sink for rows of `sinkSchema`, and a source that holds `records` if the harness brings one. */
  readonly create: (options: {
    readonly sourceSchema: RecordSchema
    readonly sinkSchema: RecordSchema
    readonly records: readonly Row[]
  }) => Promise<KillModelHarness>
  /** Records of the source. @default 30 */
  readonly records?: number
  /** Partitions read and written side by side. @default 2, or as many as the sink takes */
  readonly partitions?: number
  /** How the store says that it refuses a record; `none`: it refuses none. @default 'tells' */
  readonly refusals?: RefusalKind | 'none'
  /** The sink ends each batch after so many rows. @default it takes what it is given */
  readonly rowsOfBatch?: number
  /** Take each so many-th step only, beginning with another one each time, for stores that are slow. @default 1 */
  readonly stride?: number
  /** Put a process to sleep at every step too, have it taken over, and wake it up. @default true */
  readonly zombies?: boolean
  /**
   * During which call the store keeps other processes off: nobody can take over from one who sleeps in it. `write`: from
   * its beginning; `commit`: only once its pages are pulled. @default nobody is kept off
   */
  readonly exclusive?: Exclusive
}

const name = 'kill-model'

/**
 * Runs a pipeline again and again, each time killed at another of its steps (before and after each call of source,
 * sink and state store, and each page), resumed, killed again, and resumed to its end: records that fan out, that are
 * filtered and refused, in two partitions. In the end the rows, dead letters and counts have to be those of a run that
 * nobody disturbed. Then the same with a process that falls asleep, is taken over, and wakes up.
 *
 * @throws `CONTRACT_BROKEN` with the step, and what is wrong.
 *
 * @example
 * test('nothing is lost or doubled, wherever a process ends', async () => {
 *   await killModel({
 *     create: async ({ sinkSchema }) => {
 *       const store = await createMyStore(sinkSchema)
 *       return {
 *         openSink: () => mySink({ store }),
 *         contents: () => store.all(),
 *         [Symbol.asyncDispose]: () => store.drop(),
 *       }
 *     },
 *   })
 * })
 */
export async function killModel(options: KillModelOptions): Promise<KillModelReport> {
  const { stride, zombies, exclusive } = options
  return await killAtEveryStep({ create: () => ModelTrial.create(options), stride, zombies, exclusive })
}

class ModelTrial implements Trial {
  readonly #letters: MemoryStore = memoryStore()
  readonly #state: StateStore
  readonly #reports: Report[] = []

  private constructor(
    private readonly options: KillModelOptions,
    private readonly harness: KillModelHarness,
    private readonly records: readonly Head[],
  ) {
    this.#state = memoryStateStore()
  }

  static async create(options: KillModelOptions): Promise<ModelTrial> {
    const records = heads(options.records ?? 30)
    const harness = await options.create({ sourceSchema: headSchema, sinkSchema: childSchema, records })
    return new ModelTrial(options, harness, records)
  }

  async live(life: Life): Promise<void> {
    const { rowsOfBatch, partitions = 2 } = this.options
    const sink = this.harness.openSink()
    const source = this.harness.openSource?.() ?? memorySource<Row>({ records: this.records, key: headSchema.key })
    const fanOut = async (head: Head) => {
      if (head.id % 4 === 0) await life.step('transform')
      return childrenOf(head)
    }
    const report = await runPipeline({
      name,
      source: from<Head>(mortalSource(source, life, 3) as Source<Head>)
        .filter(isKept)
        .pipe(fanOut),
      sink: mortalSink(sink, life, { refusals: this.#refusals(), rowsOfBatch }),
      parallel: partitions,
      // Batches of several pages: they end by bytes, for pages are smaller than what the engine asks for.
      batchSize: 2_000,
      maxInFlightBytes: 2_500,
      maxRejected: 1_000,
      allowDuplicates: true,
      deadLetters: this.#openLetters(life),
      ...this.#openState(sink, life),
    })
    this.#reports.push(report)
  }

  async verify(): Promise<string[]> {
    const poisoned = (head: Head): boolean => this.#refusals() !== undefined && isKept(head) && isPoisoned(head.id)
    const written = this.records.filter((head) => isKept(head) && !poisoned(head))
    const rows = written.flatMap(childrenOf)
    const { guarantee } = this.harness.openSink()
    const contents = await this.harness.contents()
    const letters = (await this.harness.deadLetters?.keys()) ?? this.#letters.rows.map((letter) => letter.key)
    const rejected = this.records.filter(poisoned)
    return [
      ...differences(rows, contents, { duplicates: guarantee === 'at-least-once' }).map((line) => `rows: ${line}`),
      ...differences(
        rejected.map((head) => [head.id]),
        letters,
      ).map((line) => `dead letters: ${line}`),
      ...this.#wrongCounts({
        read: this.records.length,
        written: written.length,
        rejected: rejected.length,
        emitted: rows.length,
      }),
    ]
  }

  #wrongCounts(expected: Readonly<Record<'read' | 'written' | 'rejected' | 'emitted', number>>): string[] {
    const wrong = this.#reports.flatMap((report) => {
      const { counts, partitions } = report
      const differing = Object.entries(expected).flatMap(([field, count]) => {
        const told = counts[field as keyof typeof expected]
        return told === count ? [] : [`counts: ${field} is ${told}, not ${count}`]
      })
      return [
        ...differing,
        ...unequal('all together', counts),
        ...partitions.flatMap((one) => unequal(one.id, one.counts)),
      ]
    })
    return this.#reports.length === 0 ? ['no life completed the run'] : wrong
  }

  #refusals() {
    const { refusals = 'tells' } = this.options
    return refusals === 'none' ? undefined : { kind: refusals, refuses: isPoison }
  }

  #openLetters(life: Life): string | Sink {
    const open = this.harness.deadLetters?.open()
    if (typeof open === 'string') return open
    const letters = open ?? (memoryAckSink({ store: this.#letters }) as Sink)
    return mortalSink(letters, life, { label: 'dead letters’ ' })
  }

  #openState(sink: Sink, life: Life): { readonly state?: StateStore } {
    const own = this.harness.openState?.()
    if (own !== undefined) return { state: mortalStateStore(own, life) }
    if (sink.guarantee === 'exactly-once' && sink.stateStore !== undefined) return {}
    return { state: mortalStateStore(this.#state, life) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.harness[Symbol.asyncDispose]()
  }
}

function unequal(where: string, counts: Counts): string[] {
  const records = counts.written + counts.filtered + counts.rejected
  const rows = counts.inserted + counts.updated + counts.skipped
  return [
    ...(counts.read === records
      ? []
      : [`counts of ${where}: ${counts.read} read, but ${records} written, filtered or rejected`]),
    ...(counts.emitted === rows
      ? []
      : [`counts of ${where}: ${counts.emitted} emitted, but ${rows} inserted, updated or skipped`]),
  ]
}
