import type { Page } from '../contracts/page.js'
import type { RecordSchema } from '../contracts/schema.js'
import type { AckSession, ExactSession, Rehearsal } from '../contracts/sink.js'
import type { Count } from '../contracts/source.js'
import type { Row } from '../contracts/values.js'
import { Chain } from '../engine/chain.js'
import { checkSteps } from '../engine/check-steps.js'
import type { Rejection } from '../engine/held-page.js'
import { pushDown } from '../engine/opened-pipeline.js'
import { schemaBehindPages } from '../engine/sink-readiness.js'
import { DroverError } from '../errors/drover-error.js'
import { redactSecrets } from '../errors/redact.js'
import type { DryRunReport, Forecast, Problem } from './dry-run-report.js'
import { forecast } from './forecast.js'
import { lookAround, type Sample } from './look-around.js'
import { type Measuring, type Reading, readBeginning } from './measure.js'
import type { Subject } from './subject.js'

type Shared = Pick<Measuring, 'session' | 'chain' | 'filter' | 'context'>
type IntoSession = ExactSession<Row> | AckSession<Row>

const maxRetries = 3
const mostRejected = 10
/** Records that are written to see how long it takes, at the most. */
const mostWritten = 20_000

const noSample: Sample = { records: [], pages: [], looked: 0, filtered: 0, rejections: [], recordBytes: [] }

/** One dry run. What fails is noted, and what can be found out without it is found out all the same. */
export class Rehearsing {
  readonly #problems: Problem[] = []
  readonly #sessions: AsyncDisposable[] = []
  #chain: Chain | undefined
  #reached = { source: false, sink: false }

  constructor(
    private readonly subject: Subject,
    private readonly wanted: number,
    private readonly signal: AbortSignal,
  ) {}

  async run(): Promise<DryRunReport> {
    try {
      return await this.#look()
    } finally {
      // The sink first, as in a run. What fails now was of no use to anybody.
      await this.#chain?.close(() => {}).catch(() => {})
      for (const session of this.#sessions.reverse())
        await Promise.resolve(session[Symbol.asyncDispose]()).catch(() => {})
    }
  }

  async #look(): Promise<DryRunReport> {
    const { subject, signal } = this
    const begun = performance.now()
    const from = await this.#connect(() => subject.source.connect({ signal }))
    const into = await this.#connect<IntoSession>(() => subject.sink.connect({ signal, rehearses: true }))
    this.#reached = { source: from !== undefined, sink: into !== undefined }
    const known = from === undefined ? undefined : await this.#try(() => from.describe({ signal }))
    const openingMs = performance.now() - begun
    if (from === undefined || known === undefined) return this.#report({})
    await this.#try(async () => checkSteps(subject.name, subject.steps, known))
    const { pushed, rest } = pushDown(from, subject.steps)
    const chain = new Chain(rest, { maxRetries })
    this.#chain = chain
    const isOpen = (await this.#try(() => chain.open({ signal }).then(() => true))) ?? false
    const filter = pushed === undefined ? {} : { filter: pushed }
    const count = (await this.#try(async () => (await from.count?.({ signal, ...filter })) ?? null)) ?? null
    if (!isOpen) return this.#report({ count })
    const context = { signal, runStartedAt: new Date() }
    const shared = { session: from, chain, filter: pushed, context }
    const sample = (await this.#try(() => lookAround({ ...shared, records: this.wanted }))) ?? noSample
    if (into === undefined) return this.#report({ count, sample })
    const schema =
      this.#described(chain, known) ??
      schemaBehindPages(await this.#sampled(into, shared, sample), into.sampleRecords, known)
    const fidelity = (await this.#try(async () => into.check?.(schema) ?? [])) ?? []
    // A run ends there, too: what a column cannot hold is no use trying.
    const first = fidelity.length > 0 ? undefined : await this.#rehearse(into, schema, sample.pages)
    const reading = await this.#try(() =>
      readBeginning({
        ...shared,
        source: this.#sourceName,
        forms: () => into.forms,
        takes: (page) => schema.fields.length > 0 && !chain.sets(known.key) && into.takes?.(page) === true,
        records: Math.min(Math.max(subject.batchSize, 4000), mostWritten),
      }),
    )
    const second = first === undefined || reading === undefined ? undefined : await this.#again(into, schema, reading)
    const writing = second?.notWritten === undefined ? second : undefined
    const told =
      reading === undefined || count === null ? null : this.#forecast(openingMs, count, sample, reading, writing)
    const notWritten = writing === undefined || writing.rows === 0 ? (first?.notWritten ?? this.#whyNot(into)) : null
    return this.#report({ count, sample, fidelity, creates: first?.creates, reading, forecast: told, notWritten })
  }

  #whyNot(into: IntoSession): string {
    if (into.rehearse === undefined) return `${this.subject.sink.name} cannot take back what it has written`
    return this.#problems.length > 0 ? 'a run would fail' : 'no record came through'
  }

  async #connect<S extends AsyncDisposable>(connect: () => Promise<S>): Promise<S | undefined> {
    const session = await this.#try(connect)
    if (session !== undefined) this.#sessions.push(session)
    return session
  }

  #described(chain: Chain, known: RecordSchema): RecordSchema | null {
    return known.fields.length === 0 ? null : chain.describe(known)
  }

  /** Pages whose rows say what all look like: as many as the sink wants to be looked at. */
  async #sampled(into: IntoSession, shared: Shared, { pages }: Sample): Promise<readonly Page<Row>[]> {
    const wanted = into.sampleRecords ?? 0
    if (pages.reduce((rows, page) => rows + page.rows().length, 0) >= wanted) return pages
    const reading = await this.#try(() =>
      readBeginning({ ...shared, source: this.#sourceName, forms: () => [], takes: () => false, records: wanted }),
    )
    return reading?.pages ?? pages
  }

  get #sourceName(): string {
    return `${this.subject.name}: source ${this.subject.source.name}`
  }

  async #rehearse(
    into: IntoSession,
    schema: RecordSchema,
    pages: readonly Page<Row>[],
  ): Promise<Rehearsal | undefined> {
    if (into.rehearse === undefined || schema.fields.length === 0) return undefined
    const rehearsal = await this.#try(async () => into.rehearse?.(schema, pages, { signal: this.signal }))
    return rehearsal
  }

  /** With warm code, and as much as a run writes at once. */
  async #again(into: IntoSession, schema: RecordSchema, { pages }: Reading): Promise<Rehearsal | undefined> {
    return pages.length === 0
      ? undefined
      : await this.#try(async () => into.rehearse?.(schema, pages, { signal: this.signal }))
  }

  #forecast(
    openingMs: number,
    count: Count,
    { recordBytes }: Sample,
    reading: Reading,
    writing: Rehearsal | undefined,
  ): Forecast {
    const { batchSize, parallel, recordsPerSecond } = this.subject
    const { records, rows, bytes, durationMs: readMs, firstMs } = reading
    const measured = { openingMs, firstMs, records, readMs, rows, bytes, recordBytes, writing: writing ?? null }
    return forecast(measured, { count, batchSize, parallel, recordsPerSecond })
  }

  /** Undefined if it failed; then the reason is noted. */
  async #try<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (cause) {
      if (this.signal.aborted) throw DroverError.from(this.signal.reason, 'the dry run was given up', 'ABORTED')
      const { code, message } = DroverError.from(cause, `the dry run of ${this.subject.name} failed`)
      const problem = { code, message: redactSecrets(message) }
      if (!this.#problems.some((one) => one.message === problem.message)) this.#problems.push(problem)
      return undefined
    }
  }

  #report({
    count = null,
    sample = noSample,
    fidelity = [],
    creates = [],
    reading,
    forecast = null,
    notWritten = 'a run would fail',
  }: Found): DryRunReport {
    const { name, source, sink } = this.subject
    // What was read from the beginning on may be all there is; else a record of the sample may be among it.
    const hasAll = reading !== undefined && count?.exact === true && reading.records >= count.value
    const beside = hasAll ? noSample : sample
    const rejections = distinct([...beside.rejections, ...(reading?.rejections ?? [])])
    return {
      name,
      source: source.name,
      sink: sink.name,
      guarantee: sink.guarantee,
      reached: this.#reached,
      count,
      sample: sample.records,
      looked: {
        records: beside.looked + (reading?.records ?? 0),
        filtered: beside.filtered + (reading?.filtered ?? 0),
        rejected: rejections.length,
      },
      rejected: rejections.slice(0, mostRejected).map(rejectedOf),
      fidelity,
      creates,
      problems: this.#problems,
      notWritten,
      forecast,
    }
  }
}

type Found = Partial<Pick<DryRunReport, 'count' | 'fidelity' | 'forecast' | 'notWritten'>> & {
  readonly sample?: Sample
  readonly creates?: readonly string[] | undefined
  readonly reading?: Reading | undefined
}

function distinct(rejections: readonly Rejection[]): readonly Rejection[] {
  const byKey = new Map<unknown, Rejection>()
  for (const rejection of rejections)
    byKey.set(rejection.key === null ? rejection : JSON.stringify(rejection.key), rejection)
  return [...byKey.values()]
}

function rejectedOf({ key, stage, error }: Rejection): DryRunReport['rejected'][number] {
  const { code, message } = DroverError.from(error, 'it failed')
  return { key, stage, code, message: redactSecrets(message) }
}
