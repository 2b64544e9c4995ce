import type { Position } from '../contracts/position.js'
import type { AckSession, Outcome } from '../contracts/sink.js'
import type { StateStore } from '../contracts/state-store.js'
import type { Row } from '../contracts/values.js'
import type { OpenBatch } from './open-batch.js'
import { PipelineLane, type PipelineLaneOptions } from './pipeline-lane.js'
import { retrying } from './retry.js'

/** Rows are durable when the sink returns; positions follow through the state store, in order, several batches being under way. */
export class AckLane extends PipelineLane {
  constructor(
    private readonly session: AckSession<Row>,
    private readonly state: { readonly store: StateStore; readonly name: string },
    private readonly inFlight: number,
    options: PipelineLaneOptions,
  ) {
    super(options, inFlight)
  }

  protected async work(start: Position): Promise<Position> {
    const open = new Set<Promise<unknown>>()
    let last: Promise<Position> = Promise.resolve(start)
    let sequence = start.sequence
    let ended = start.done
    let failed = false
    try {
      while (!ended) {
        if (open.size >= this.inFlight) await Promise.race(open)
        if (this.control.interrupted || this.control.throttle.wantsRest(this) || !this.fits) await Promise.all(open)
        await this.whenFree()
        if (failed || this.control.stopReason !== undefined) break
        if (open.size === 0 || this.hasLetGo) await this.adjust(await last)
        const batch = this.newBatch(start, ++sequence)
        await this.options.prepare((rows) => batch.fillTo(rows))
        const written = this.#write(batch)
        last = this.#commitAfter(last, batch, written)
        last.catch(() => {
          failed = true // thrown below
        })
        // A commit fails with the one before it, while its own rows are still being written.
        const settled: Promise<unknown> = Promise.allSettled([written, last]).finally(() => open.delete(settled))
        open.add(settled)
        await Promise.race([batch.whenFilled, settled])
        ended = batch.ended
      }
    } finally {
      await Promise.all(open) // the sink's session must not be closed under a write
    }
    return last
  }

  #write(batch: OpenBatch): Promise<Outcome> {
    const { operation } = this.options
    return this.persist(
      batch,
      () => this.session.write(batch.pass(), operation),
      async (part) => {
        await this.session.write(part, operation)
      },
      async () => undefined,
    )
  }

  async #commitAfter(before: Promise<Position>, batch: OpenBatch, written: Promise<Outcome>): Promise<Position> {
    const [position, outcome] = await Promise.all([before, written])
    batch.isWritten = true
    const commit = batch.positionAfter(position, outcome, batch.ended)
    await this.options.bury(batch.sequence, batch.rejections())
    let unsure = false
    await retrying(async () => {
      if (unsure && (await this.#stands(commit))) return
      unsure = true
      await this.state.store.commit(commit, this.options.operation)
    }, this.patience)
    this.tell(batch, commit, outcome)
    batch.throwOwnFailure()
    return commit
  }

  /** Whether a commit whose outcome is unknown went through. */
  async #stands(commit: Position): Promise<boolean> {
    const stored = await this.state.store.load(this.state.name, this.options.operation)
    return (
      stored?.run === commit.run &&
      stored.positions.some(
        (position) =>
          position.partition.id === commit.partition.id &&
          position.fence === commit.fence &&
          position.sequence === commit.sequence,
      )
    )
  }
}
