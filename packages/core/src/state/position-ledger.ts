import type { Claim, Commit, Partition, Position } from '../contracts/position.js'
import { fenced } from './state-errors.js'

interface Entry {
  fence: number
  position: Position | null
}

/** Fences and positions of partitions, in memory. Every method is one step that nothing comes between. */
export class PositionLedger {
  readonly #entries = new Map<string, Entry>()

  /** The highest fence that ever stood there; 0 before the first. */
  fenceOf(run: string, partition: Partition): number {
    return this.#entries.get(keyOf(run, partition))?.fence ?? 0
  }

  positionOf(run: string, partition: Partition): Position | null {
    return this.#entries.get(keyOf(run, partition))?.position ?? null
  }

  /** Raises the fence and says where the partition stands. @throws `FENCED` if a higher fence stands there. */
  claim({ run, partition, fence }: Claim): Position | null {
    const entry = this.#entries.get(keyOf(run, partition)) ?? { fence: 0, position: null }
    if (entry.fence > fence) throw fenced(run, partition, `its fence is ${entry.fence}, the claim has ${fence}`)
    if (entry.position !== null) entry.position = { ...entry.position, fence }
    entry.fence = fence
    this.#entries.set(keyOf(run, partition), entry)
    return entry.position
  }

  /** Whether the commit would be taken now. @throws `FENCED` */
  check({ run, partition, fence, sequence }: Claim & Pick<Commit, 'sequence'>): void {
    const entry = this.#entries.get(keyOf(run, partition))
    if (entry !== undefined && entry.fence > fence) {
      throw fenced(run, partition, `its fence is ${entry.fence}, the commit has ${fence}`)
    }
    const last = entry?.position?.sequence ?? 0
    if (sequence !== last + 1) {
      throw fenced(run, partition, `its last batch is ${last}, the commit is number ${sequence}`)
    }
  }

  /** Stores the position. @throws `FENCED` */
  commit(commit: Commit): void {
    this.check(commit)
    this.#entries.set(keyOf(commit.run, commit.partition), { fence: commit.fence, position: structuredClone(commit) })
  }

  /** All positions, or those of one run. */
  positions(run?: string): Position[] {
    const all: Position[] = []
    for (const { position } of this.#entries.values()) {
      if (position !== null && (run === undefined || position.run === run)) all.push(position)
    }
    return all
  }
}

function keyOf(run: string, partition: Partition): string {
  return JSON.stringify([run, partition.id])
}
