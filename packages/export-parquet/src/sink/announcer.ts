import { fenced, type PartitionStage, type StagedPartition } from '@drover/core'
import { type Announced, asJson, detailsOf } from './details.js'

/** Stores what the output is about to be, under the fence of its first partition. */
export class Announcer {
  #top: number

  constructor(
    private readonly output: string,
    private readonly first: StagedPartition,
    private readonly stage: PartitionStage | undefined,
  ) {
    this.#top = first.top
  }

  get isClaimed(): boolean {
    return this.stage !== undefined
  }

  /** @throws `FENCED` */
  async announce(announced: Announced): Promise<void> {
    const { log, manifest } = this.first
    const details = asJson({ ...detailsOf(manifest), announced })
    if (this.stage !== undefined) return this.stage.advance({ details })
    this.#top++
    if (!(await log.append(this.#top, { ...manifest, details }))) throw fenced(this.output, manifest.partition.id)
  }
}
