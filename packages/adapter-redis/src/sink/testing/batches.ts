import type { Commit, CommitBatch, ExactSession, ExactSink, Operation, Outcome, Page, Row } from '@drover/core'

/** Each time it is given it has a minute. Test files of one worker share this module. */
export const operation: Operation = {
  get signal() {
    return AbortSignal.timeout(60_000)
  },
}
const partition = { id: 'all', bounds: null }
const none = { read: 0, written: 0, filtered: 0, rejected: 0, emitted: 0, inserted: 0, updated: 0, skipped: 0 }

/** A session that has claimed, and writes batch after batch. */
export class Lane implements AsyncDisposable {
  #sequence = 0

  private constructor(
    readonly session: ExactSession,
    readonly run: string,
    readonly fence: number,
  ) {}

  static async open(sink: ExactSink, { run = 'run', fence = 1 } = {}): Promise<Lane> {
    const lane = new Lane(await sink.connect(operation), run, fence)
    await lane.claim()
    return lane
  }

  /** The number of the batch at which the store stands. */
  async claim(): Promise<number> {
    const { run, fence } = this
    this.#sequence = (await this.session.claim({ run, partition, fence }, operation))?.sequence ?? 0
    return this.#sequence
  }

  /** @param between Comes between the look at what is there and the script. */
  async write(records: readonly Row[], between: () => Promise<unknown> = async () => {}): Promise<Outcome> {
    let outcome: Outcome | undefined
    const batch = batchOf(records, this.#sequence + 1, async (found) => {
      outcome = found
      await between()
      return this.#position(found)
    })
    await this.session.write(batch, { ...operation, mode: 'commit' })
    this.#sequence++
    return outcome ?? { inserted: 0, updated: 0, skipped: 0 }
  }

  async probe(records: readonly Row[]): Promise<void> {
    const batch = batchOf(records, this.#sequence + 1, () => Promise.reject(new Error('A probe commits nothing.')))
    await this.session.write(batch, { ...operation, mode: 'probe' })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session[Symbol.asyncDispose]()
  }

  #position(outcome: Outcome): Commit {
    const { run, fence } = this
    const sequence = this.#sequence + 1
    return { run, partition, fence, sequence, cursor: sequence, done: false, counts: { ...none, ...outcome } }
  }
}

function batchOf(
  records: readonly Row[],
  sequence: number,
  commit: (outcome: Outcome) => Promise<Commit>,
): CommitBatch<Row> {
  return {
    partition,
    sequence,
    commit,
    async *[Symbol.asyncIterator]() {
      yield pageOf(records)
    },
  }
}

/** A page whose records are told apart by `source`, or by `id`. */
export function pageOf(records: readonly Row[]): Page {
  return {
    count: records.length,
    bytes: 100 * records.length,
    cursor: null,
    rows: () => records,
    keys: () => records.map(({ id, source }) => ({ source: [(source ?? id ?? null) as string | null], child: 0 })),
    slice: (from, to) => pageOf(records.slice(from, to)),
  }
}
