import { rm } from 'node:fs/promises'
import type { Claim, Position } from '../../contracts/position.js'
import type { Operation } from '../../contracts/values.js'
import { namesIn } from '../../disk/durable.js'
import { DroverError } from '../../errors/drover-error.js'
import { fenced } from './fenced.js'
import type { Manifest, StaleFile } from './manifest.js'
import { ManifestLog } from './manifest-log.js'
import { type Beginning, PartitionStage, type PartitionStageOptions, retiredBy } from './partition-stage.js'

/** A partition as its newest manifest has it. */
export interface StagedPartition {
  readonly log: ManifestLog
  readonly top: number
  readonly manifest: Manifest
}

/** What is particular to one file, or to a file per batch. */
export interface Placement {
  /** Looks at the output when a run comes to a partition for the first time; `before` is what an earlier run left. */
  begin(claim: Claim, before: Manifest | null): Promise<Beginning>
  /** Puts in place what a claimed partition has committed and a crash kept from its place. */
  recover?(stage: PartitionStage): Promise<void>
  /** Puts the whole output in place. May be called again after a crash at any step. */
  complete(
    partitions: readonly StagedPartition[],
    stages: ReadonlyMap<string, PartitionStage>,
    operation: Operation,
  ): Promise<void>
  /** What an earlier run left of a partition that this run does not have. */
  old?(manifest: Manifest): Promise<readonly StaleFile[]>
  removeOld?(manifest: Manifest, old: readonly StaleFile[], aside: string): Promise<void>
}

const byNumber = new Intl.Collator('en', { numeric: true })
/** Ends the names of files that are being made of the parts. */
export const assembling = '.assembling'

/** An output on its way: what several sessions, after crashes and in turns, put together from partitions. */
export class StagedOutput {
  readonly #stages = new Map<string, PartitionStage>()
  #run: string | undefined

  constructor(
    private readonly options: PartitionStageOptions,
    private readonly placement: Placement,
  ) {}

  async claim(claim: Claim): Promise<Position | null> {
    const { id } = claim.partition
    const stage = this.#stages.get(id) ?? new PartitionStage(this.options, id)
    this.#stages.set(id, stage)
    this.#run = claim.run
    const position = await stage.claim(claim, (before) => this.placement.begin(claim, before))
    // Whoever assembled before this claim finds its file gone, and cannot put it into the place of a later output.
    await dropAssembled(this.options.staging)
    await this.placement.recover?.(stage)
    return position
  }

  /** @throws `CONTRACT_BROKEN` if the partition was not claimed */
  stage(id: string): PartitionStage {
    const stage = this.#stages.get(id)
    if (stage !== undefined) return stage
    throw new DroverError(
      'CONTRACT_BROKEN',
      `${this.options.output}: partition "${id}" is written to before it is claimed.`,
    )
  }

  /** Puts the output in place. Nothing is changed if that was done before. @throws `FENCED` */
  async finish(operation: Operation): Promise<void> {
    if (this.#run === undefined) return
    const all = await this.partitions()
    const mine = all.filter(({ manifest }) => this.#isMine(manifest))
    if (mine.length > 0 && mine.every(({ manifest }) => manifest.finished)) return
    this.#checkEnded(mine)
    if (!mine.some(({ manifest }) => manifest.finished)) await this.#complete(mine, operation)
    for (const partition of await this.partitions()) {
      if (this.#isMine(partition.manifest) && !partition.manifest.finished) await this.#markFinished(partition)
    }
    await this.#clean(all)
  }

  async close(): Promise<void> {
    for (const stage of this.#stages.values()) await stage.close()
  }

  #isMine(manifest: Manifest): boolean {
    return manifest.run === this.#run
  }

  /** As they stand on the disk, those of earlier runs too; in the order of the output. */
  partitions(): Promise<StagedPartition[]> {
    return stagedPartitions(this.options.staging)
  }

  async #complete(mine: readonly StagedPartition[], operation: Operation): Promise<void> {
    try {
      await this.placement.complete(mine, this.#stages, operation)
    } catch (error) {
      // Whoever took over may be why a part is missing, or the output is another one.
      for (const [id, stage] of this.#stages) if (!(await stage.isCurrent())) throw fenced(this.options.output, id)
      throw error
    }
  }

  #checkEnded(mine: readonly StagedPartition[]): void {
    const { output } = this.options
    for (const [id, stage] of this.#stages) {
      const stored = mine.find(({ manifest }) => manifest.partition.id === id)
      if (stored?.manifest.fence !== stage.manifest.fence || stored.top !== stage.number) throw fenced(output, id)
    }
    for (const { manifest } of mine) {
      if (manifest.finished || manifest.position?.done === true) continue
      const { id } = manifest.partition
      throw new DroverError('CONTRACT_BROKEN', `${output}: it is to be finished before partition "${id}" has ended.`)
    }
  }

  async #markFinished({ log, top, manifest }: StagedPartition): Promise<void> {
    const { existing: _existing, assembled: _assembled, stale: _stale, details: _details, ...kept } = manifest
    if (!(await log.append(top + 1, { ...kept, parts: [], finished: true }))) {
      throw fenced(this.options.output, manifest.partition.id)
    }
    await log.prune(top + 1)
  }

  /** What is left over: parts, and what earlier runs had of partitions that this one does not have. */
  async #clean(partitions: readonly StagedPartition[]): Promise<void> {
    await this.close()
    const continues = partitions.some(
      ({ manifest }) => this.#isMine(manifest) && manifest.partition.start !== undefined,
    )
    for (const partition of partitions) {
      const { log, manifest } = partition
      const isMine = this.#isMine(manifest)
      const old = isMine || continues ? [] : ((await this.placement.old?.(manifest)) ?? [])
      if (!isMine && !(await this.#inherit(partition))) continue
      // Also those that no manifest names: an earlier run that ended in the middle may have left some.
      for (const name of await namesIn(log.folder)) {
        if (name.endsWith('.part')) await rm(`${log.folder}/${name}`, { force: true })
      }
      if (old.length > 0) await this.placement.removeOld?.(manifest, old, log.folder)
    }
  }

  /** Takes over what an earlier run left of a partition; false if there is nothing, or a later run was quicker. */
  async #inherit({ log, top, manifest }: StagedPartition): Promise<boolean> {
    // What ended between its last manifest and here has left its parts.
    const hasParts = (await namesIn(log.folder)).some((name) => name.endsWith('.part'))
    if (manifest.finished && manifest.files === 0 && !hasParts) return false
    const heir: Manifest = {
      version: 1,
      format: manifest.format,
      run: this.#run as string,
      partition: manifest.partition,
      fence: 0,
      position: null,
      parts: [],
      files: 0,
      finished: true,
      retired: retiredBy(manifest),
    }
    return log.append(top + 1, heir)
  }
}

/** All partitions that runs have staged in a folder, in the order of the output. */
export async function stagedPartitions(staging: string): Promise<StagedPartition[]> {
  const partitions: StagedPartition[] = []
  for (const name of await namesIn(staging)) {
    if (name.endsWith(assembling)) continue
    const log = new ManifestLog(`${staging}/${name}`)
    const { top, head } = await log.standing()
    if (head !== null) partitions.push({ log, top, manifest: head })
  }
  return partitions.sort((a, b) => byNumber.compare(a.manifest.partition.id, b.manifest.partition.id))
}

/** Removes what was being made of the parts: whoever made it can then not put it in its place any more. */
export async function dropAssembled(staging: string): Promise<void> {
  for (const name of await namesIn(staging)) {
    if (name.endsWith(assembling)) await rm(`${staging}/${name}`, { force: true })
  }
}
