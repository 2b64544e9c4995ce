import { isDeepStrictEqual } from 'node:util'
import type { Position } from '../contracts/position.js'
import type { ExactSession } from '../contracts/sink.js'
import type { Row } from '../contracts/values.js'
import { DroverError } from '../errors/drover-error.js'
import { noCounts } from './counts.js'
import type { OpenBatch } from './open-batch.js'
import { PipelineLane, type PipelineLaneOptions } from './pipeline-lane.js'
import { retrying } from './retry.js'

/** The store has lost batches that it had confirmed, as after a failover: rows and positions alike; or a claim alone. */
class WentBack {
  constructor(readonly to: Position) {}
}

/** Rows and position become durable in one step of the sink; one batch is open at a time. */
export class ExactLane extends PipelineLane {
  #reclaimedBehind: number | undefined

  constructor(
    private readonly session: ExactSession<Row>,
    options: PipelineLaneOptions,
  ) {
    super(options, 1)
  }

  protected async work(start: Position): Promise<Position> {
    // The claim of a first batch found nothing, as it also would where the store has lost the run since the lease was granted.
    if (start.sequence === 0) await this.#confirm()
    let position = start
    while (!position.done) {
      await this.whenFree()
      if (this.control.stopReason !== undefined) break
      await this.adjust(position)
      position = await this.#commitNext(position)
    }
    return position
  }

  async #commitNext(position: Position): Promise<Position> {
    const batch = this.newBatch(position, position.sequence + 1)
    try {
      return await this.#commit(batch, position)
    } catch (error) {
      if (error instanceof WentBack) {
        // Where the run itself is lost with them, a new one begins with what is left: whatever this one wrote now would stand in its way.
        await this.#confirm()
        return this.goBack(batch, position, error.to)
      }
      await this.readRows(batch, position, error)
    }
    return this.#commit(this.newBatch(position, position.sequence + 1), position)
  }

  async #commit(batch: OpenBatch, position: Position): Promise<Position> {
    const { operation, where } = this.options
    await this.options.prepare((rows) => batch.fillTo(rows))
    const { reader } = this
    void batch.whenFilled.then(() => reader.readOn())
    const committed = await this.persist(
      batch,
      async () => {
        await this.session.write(batch.pass(), { ...operation, mode: 'commit' })
        if (batch.committed !== undefined) return batch.committed
        throw new DroverError(
          'CONTRACT_BROKEN',
          `${where} returned from write() without having committed its batch; the sink is to be mended.`,
        )
      },
      (part) => this.session.write(part, { ...operation, mode: 'probe' }),
      async (error) => {
        // The write may have succeeded all the same, or the store may have lost what was written before: only the sink knows.
        if (!batch.commitCalled && !DroverError.isInstance(error, 'FENCED')) return undefined
        const { run, partition, fence } = position
        const claimed = await retrying(() => this.session.claim({ run, partition, fence }, operation), this.patience)
        // A store that knows nothing of the partition may have lost the run with it: then nothing is to be written under it any more.
        if (claimed === null) await this.#confirm()
        const now = claimed ?? { ...position, sequence: 0, cursor: partition.start ?? null, counts: noCounts }
        if (now.sequence < position.sequence) throw new WentBack({ ...now, fence })
        if (now.sequence === position.sequence && this.#hasLostClaim(error, position)) throw new WentBack(position)
        const { committed } = batch
        if (now.sequence !== batch.sequence || committed === undefined) return undefined
        // What another one has written under the same number ends elsewhere.
        return isDeepStrictEqual(now.cursor, committed.position.cursor) ? committed : undefined
      },
    )
    this.tell(batch, committed.position, committed.outcome)
    batch.throwOwnFailure()
    return committed.position
  }

  #confirm(): Promise<void> {
    return retrying(() => this.options.confirm(), this.patience)
  }

  /** Whether what the store lost is the claim and nothing else: it stands again by now. A second time behind one batch it is refused for another reason. */
  #hasLostClaim(error: unknown, { sequence }: Position): boolean {
    if (!DroverError.isInstance(error, 'FENCED') || this.#reclaimedBehind === sequence) return false
    this.#reclaimedBehind = sequence
    return true
  }
}
