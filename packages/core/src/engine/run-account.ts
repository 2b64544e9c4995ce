import type { Counts, Position } from '../contracts/position.js'
import type { RejectedRecord, Report, SinkAccount, Warning } from '../contracts/report.js'
import type { Stall } from '../contracts/stall.js'
import type { RunState } from '../contracts/state-store.js'
import type { Cursor } from '../contracts/values.js'
import { deletesPartition, isDeletes } from '../deletes/deletes-partition.js'
import { addCounts, noCounts, sumCounts } from './counts.js'
import type { CommittedBatch } from './lane.js'
import type { Plan } from './plan.js'

const rejectedShown = 10

/** Keeps the account of one attempt: where each partition stands, what this call did, what a person should be told. */
export class RunAccount {
  readonly #positions = new Map<string, Position>()
  readonly #warnings: Warning[] = []
  readonly #rejected: RejectedRecord[] = []
  /** The longest of each partition. */
  readonly #stalls = new Map<string, Stall>()
  readonly #begun = performance.now()
  #attempt: Counts = noCounts
  #batches = 0
  #resumed = false
  retries = 0

  constructor(private readonly plan: Plan) {}

  /** Of the run, from its first attempt on. */
  get counts(): Counts {
    const positions = [...this.#positions.values()].filter(({ partition }) => !isDeletes(partition))
    return sumCounts(positions.map((position) => position.counts))
  }

  /** Of this attempt alone. */
  get attempt(): Counts {
    return this.#attempt
  }

  get positions(): readonly Position[] {
    return [...this.#positions.values()]
  }

  isDone(run: Pick<RunState, 'partitions'>): boolean {
    return run.partitions.every((partition) => this.#positions.get(partition.id)?.done === true)
  }

  /** Where a stored run stands. An exact sink may know better once its partitions are claimed. */
  recall(run: RunState): void {
    for (const position of [...(run.lastOutcome?.positions ?? []), ...run.positions]) {
      const known = this.#positions.get(position.partition.id)
      if (known === undefined || known.sequence < position.sequence) this.place(position)
    }
  }

  place(position: Position): void {
    this.#positions.set(position.partition.id, position)
  }

  /** A lane begins at a position. */
  begin(position: Position): void {
    this.place(position)
    this.#resumed ||= position.sequence > 0
  }

  /** Where a partition stands now. */
  cursorOf(partition: string): Cursor | null {
    return this.#positions.get(partition)?.cursor ?? null
  }

  add(batch: CommittedBatch): void {
    this.place(batch.position)
    if (!isDeletes(batch.position.partition)) this.#attempt = addCounts(this.#attempt, batch.counts)
    this.#batches++
  }

  reject(record: RejectedRecord): void {
    if (this.#rejected.length < rejectedShown) this.#rejected.push(record)
  }

  stall(stall: Stall): void {
    const longest = this.#stalls.get(stall.partition)?.sinceMs ?? 0
    if (stall.waitsFor !== 'lease' && stall.sinceMs > longest) this.#stalls.set(stall.partition, stall)
  }

  warn(warning: Warning): void {
    this.#warnings.push(warning)
  }

  #deletes(): Pick<Report, 'deletes'> {
    const counts = this.#positions.get(deletesPartition.id)?.counts
    return counts === undefined ? {} : { deletes: { rows: counts.updated, kept: counts.rejected } }
  }

  report(
    run: RunState,
    status: Report['status'],
    more: {
      readonly deadLetters?: string | undefined
      readonly account?: SinkAccount | undefined
      readonly reason?: string | undefined
    },
  ): Report {
    const { name, guarantee, source, sink } = this.plan
    const finishedAt = new Date()
    for (const { message } of this.#stalls.values()) this.warn({ code: 'STALLED', message })
    const completedAt = status === 'completed' ? finishedAt : run.completedAt
    return {
      name,
      run: run.run,
      status,
      ...(more.reason === undefined ? {} : { reason: more.reason }),
      guarantee,
      source,
      sink,
      startedAt: run.startedAt,
      finishedAt,
      ...(completedAt === undefined ? {} : { completedAt }),
      counts: this.counts,
      attempt: {
        counts: this.#attempt,
        batches: this.#batches,
        durationMs: performance.now() - this.#begun,
        resumed: this.#resumed,
        retries: this.retries,
      },
      partitions: run.partitions
        .filter((partition) => !isDeletes(partition))
        .map(({ id }) => {
          const position = this.#positions.get(id)
          return {
            id,
            done: position?.done ?? false,
            batches: position?.sequence ?? 0,
            counts: position?.counts ?? noCounts,
          }
        }),
      rejected: this.#rejected,
      ...(more.account === undefined ? {} : { account: more.account }),
      ...this.#deletes(),
      ...(more.deadLetters === undefined ? {} : { deadLetters: more.deadLetters }),
      // The list itself: what hears of the end may fail, too.
      warnings: this.#warnings,
    }
  }
}
