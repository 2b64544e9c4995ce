import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Page } from '../contracts/page.js'
import type { Counts } from '../contracts/position.js'
import type { Report } from '../contracts/report.js'
import type { Batch, Sink } from '../contracts/sink.js'
import type { StateStore } from '../contracts/state-store.js'
import type { Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import { from } from '../flow/flow.js'
import { memoryAckSink } from '../memory/memory-ack-sink.js'
import { memorySink } from '../memory/memory-sink.js'
import { memorySource } from '../memory/memory-source.js'
import { memoryStore } from '../memory/memory-store.js'
import { memoryStateStore } from '../state/memory-state-store.js'
import { addCounts, noCounts } from './counts.js'
import { startPipeline } from './run-pipeline.js'
import { but, type Numbered, transient, withReading } from './testing/rigs.js'

/** What becomes of a record: it cannot be read, a step throws, it becomes so many rows, or the sink refuses one of them. */
type Fate = 'unreadable' | 'throws' | 'refused' | 0 | 1 | 2 | 3

/** What goes wrong when the sink, source or state store is called for the n-th time. */
type Fault = 'before' | 'midway' | 'after' | 'for good' | 'for good, afterwards'

interface Scenario {
  readonly fates: readonly Fate[]
  readonly kind: 'exact' | 'ack'
  readonly inFlight: number
  readonly partitions: number
  readonly parallel: number
  readonly batchSize: number
  readonly laterBatchSize: number
  readonly leaveAfter: number
  readonly tellsRow: boolean
  readonly deferred: boolean
  readonly isAsync: boolean
  readonly budget: number
  /** Records after which the first attempts stop. */
  readonly stops: readonly number[]
  readonly pausesAt: number
  readonly writeFaults: ReadonlyMap<number, Fault>
  readonly readFaults: ReadonlyMap<number, Fault>
  readonly commitFaults: ReadonlyMap<number, Fault>
}

const faults = fc
  .array(
    fc.tuple(fc.nat(12), fc.constantFrom<Fault>('before', 'midway', 'after', 'for good', 'for good, afterwards')),
    { maxLength: 4 },
  )
  .map((pairs) => new Map(pairs))

const scenarios: fc.Arbitrary<Scenario> = fc.record({
  fates: fc.array(
    fc.oneof(
      { weight: 8, arbitrary: fc.constant<Fate>(1) },
      { weight: 4, arbitrary: fc.constantFrom<Fate>(0, 2, 3) },
      { weight: 2, arbitrary: fc.constantFrom<Fate>('unreadable', 'throws', 'refused') },
    ),
    { maxLength: 40 },
  ),
  kind: fc.constantFrom('exact', 'ack'),
  inFlight: fc.integer({ min: 1, max: 4 }),
  partitions: fc.integer({ min: 1, max: 3 }),
  parallel: fc.integer({ min: 1, max: 3 }),
  batchSize: fc.integer({ min: 1, max: 30 }),
  laterBatchSize: fc.integer({ min: 1, max: 30 }),
  leaveAfter: fc.integer({ min: 0, max: 2 }),
  tellsRow: fc.boolean(),
  deferred: fc.boolean(),
  isAsync: fc.boolean(),
  budget: fc.constantFrom(50_000, 1_000_000),
  stops: fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 2 }),
  pausesAt: fc.nat(6),
  writeFaults: faults,
  readFaults: faults,
  commitFaults: faults,
})

/** So that a page holds a few records and a batch several pages. */
const wide = 'x'.repeat(4_000)

const forGood = () => new DroverError('STORE_FULL', 'no space')

/** Calls `work` and fails as the fault of this call says. */
async function failing<T>(fault: Fault | undefined, work: () => Promise<T>): Promise<T> {
  if (fault === 'before') throw transient()
  if (fault === 'for good') throw forGood()
  const result = await work()
  if (fault === 'after') throw transient('the answer was lost')
  if (fault === 'for good, afterwards') throw forGood()
  return result
}

/** The pages a sink gets to see: it may leave early, or break off behind the first one. */
async function* seen<R>(batch: Batch<R>, leaveAfter: number, fault: Fault | undefined): AsyncGenerator<Page<R>> {
  let pages = 0
  for await (const page of batch) {
    yield page
    if (fault === 'midway') throw transient('broke off')
    if (++pages === leaveAfter) return
  }
}

class Trial {
  readonly store = memoryStore<object>()
  readonly letters = memoryAckSink()
  readonly #state: StateStore = memoryStateStore()
  #writes = 0
  #reads = 0
  #commits = 0
  told: Counts = noCounts

  constructor(private readonly scenario: Scenario) {}

  async attempt(stopAfter: number | undefined): Promise<Report> {
    const { scenario } = this
    const step = ({ id }: Numbered): object[] | object | null => {
      const fate = scenario.fates[id]
      if (fate === 'throws') throw new Error('it throws')
      if (fate === 'refused') return [{ id }, { id, child: 1, bad: true }]
      const rows = Array.from({ length: fate as number }, (_, child) => ({ id, child }))
      return fate === 1 ? (rows[0] as object) : fate === 0 ? null : rows
    }
    const live = startPipeline({
      name: 'trial',
      source: from(this.#source()).pipe((r) => (scenario.isAsync ? Promise.resolve(r).then(step) : step(r)) as object),
      sink: this.#sink(),
      state: this.#stateStore(),
      batchSize: scenario.batchSize,
      parallel: scenario.parallel,
      maxInFlightBytes: scenario.budget,
      maxRejected: 100,
      maxRetries: 20,
      deadLetters: this.letters,
      ...(stopAfter === undefined ? {} : { stopAfter: { records: stopAfter } }),
    })
    let batches = 0
    live.events.on('batch:committed', ({ batch }) => {
      this.told = addCounts(this.told, batch)
      if (++batches !== scenario.pausesAt) return
      live.pause()
      live.update({ batchSize: scenario.laterBatchSize })
      setImmediate(() => live.resume())
    })
    return live.result
  }

  #source() {
    const { fates, partitions, readFaults } = this.scenario
    const records = fates.map((fate, id) => (fate === 'unreadable' ? (`no object ${id}` as never) : { id, wide }))
    const next = () => readFaults.get(this.#reads++)
    return withReading(memorySource<Numbered>({ records, key: 'id', partitions }), (session) => ({
      async *read(options) {
        for await (const page of session.read(options)) yield await failing(next(), async () => page)
      },
    }))
  }

  #sink(): Sink<object> {
    const { kind, inFlight, leaveAfter, tellsRow, deferred, writeFaults } = this.scenario
    const refuse = (row: object): boolean => 'bad' in row
    const next = () => writeFaults.get(this.#writes++)
    if (kind === 'ack') {
      const inner = memoryAckSink({ store: this.store, inFlight, refuse, tellsRow })
      return but(inner, {
        connect: async (operation) => {
          const session = await inner.connect(operation)
          return but(session, {
            write: (batch, options) => {
              const fault = next()
              const pages = () => seen(batch, leaveAfter, fault)
              return failing(fault, () => session.write({ ...batch, [Symbol.asyncIterator]: pages }, options))
            },
          })
        },
      })
    }
    const inner = memorySink({ store: this.store, refuse, tellsRow, deferred })
    return but(inner, {
      connect: async (operation) => {
        const session = await inner.connect(operation)
        return but(session, {
          write: (batch, options) => {
            const fault = next()
            const pages = () => seen(batch, leaveAfter, fault)
            return failing(fault, () => session.write({ ...batch, [Symbol.asyncIterator]: pages }, options))
          },
        })
      },
    })
  }

  #stateStore(): StateStore {
    const state = this.#state
    return but(state, {
      commit: (commit, operation) =>
        failing(this.scenario.commitFaults.get(this.#commits++), () => state.commit(commit, operation)),
    })
  }
}

/** What has to be there in the end, whatever happened on the way. */
function expected(fates: readonly Fate[]) {
  const rows = fates.flatMap((fate, id) =>
    typeof fate === 'number' ? Array.from({ length: fate }, (_, child) => ({ id, child })) : [],
  )
  const rejected = fates.filter((fate) => typeof fate === 'string').length
  const filtered = fates.filter((fate) => fate === 0).length
  const emitted = rows.length
  return {
    rows,
    counts: { read: fates.length, filtered, rejected, written: fates.length - filtered - rejected, emitted },
  }
}

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0) // no waiting between tries
})
afterEach(() => {
  vi.restoreAllMocks()
})

it('loses nothing, doubles nothing and counts everything, whatever comes together', async () => {
  await fc.assert(
    fc.asyncProperty(scenarios, async (scenario) => {
      const trial = new Trial(scenario)
      let report: Report | undefined
      for (let attempts = 0; report?.status !== 'completed'; attempts++) {
        expect(attempts).toBeLessThan(30)
        try {
          report = await trial.attempt(scenario.stops[attempts])
        } catch (error) {
          if (!DroverError.isInstance(error, 'STORE_FULL')) throw error
        }
      }
      const { rows, counts } = expected(scenario.fates)
      const order = (a: object, b: object): number =>
        (a as { id: number }).id - (b as { id: number }).id ||
        (a as { child: number }).child - (b as { child: number }).child
      expect([...trial.store.rows].sort(order)).toEqual(rows)
      expect(report.counts).toMatchObject(counts)
      const { inserted, updated, skipped, emitted } = report.counts
      expect(inserted + updated + skipped).toBe(emitted)
      // A commit that went through, and failed for good all the same, is known to the next attempt alone.
      if (![...scenario.commitFaults.values()].includes('for good, afterwards'))
        expect(trial.told).toEqual(report.counts)
      // A record without a key is told from others by its page: a letter may be sent again when pages are cut anew.
      const letters = trial.letters.store.rows.map(({ key, message }: Row) => JSON.stringify([key, message]))
      expect(new Set(letters).size).toBe(counts.rejected)
    }),
    { numRuns: 200 },
  )
}, 120_000)
