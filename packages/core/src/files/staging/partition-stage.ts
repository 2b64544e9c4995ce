import { rm } from 'node:fs/promises'
import type { Claim, Commit, Position } from '../../contracts/position.js'
import type { JsonValue } from '../../contracts/values.js'
import { namesIn } from '../../disk/durable.js'
import { safeName } from '../../disk/safe-name.js'
import { DroverError } from '../../errors/drover-error.js'
import { fenced, retired } from './fenced.js'
import type { Manifest, Part } from './manifest.js'
import { ManifestLog, type Standing } from './manifest-log.js'
import { PartFile } from './part-file.js'

const mostTries = 100
const mostRetired = 20

/** How a partition's output begins when a run claims it for the first time. */
export type Beginning = Pick<Manifest, 'existing' | 'files' | 'stale' | 'details'>

export interface PartitionStageOptions {
  /** The output, as the user named it. */
  readonly output: string
  readonly format: string
  /** Holds a folder per partition. */
  readonly staging: string
}

/** One partition of an output, claimed by this session: its manifests, and the parts that the session writes. */
export class PartitionStage {
  readonly #log: ManifestLog
  #number = 0
  #manifest: Manifest | null = null
  /** By kind. */
  readonly #parts = new Map<string, PartFile>()

  constructor(
    private readonly options: PartitionStageOptions,
    readonly id: string,
  ) {
    this.#log = new ManifestLog(partitionFolder(options.staging, id))
  }

  get folder(): string {
    return this.#log.folder
  }

  /** Number of the newest manifest, which is this session's. */
  get number(): number {
    return this.#number
  }

  /** Where it stands. @throws `FENCED` if it was lost, or an error left open whether the last commit counts: claim again */
  get manifest(): Manifest {
    if (this.#manifest === null) throw fenced(this.options.output, this.id)
    return this.#manifest
  }

  /** Whether no other session has claimed it since. */
  async isCurrent(): Promise<boolean> {
    return (await this.#log.standing()).top === this.#number
  }

  /** The part that this session has written to, if it has; nobody else ever had it open. */
  get part(): PartFile | null {
    return this.partOf('')
  }

  /** The same where it writes several side by side. */
  partOf(kind: string): PartFile | null {
    return this.#parts.get(kind) ?? null
  }

  /**
   * Raises the fence and says where the partition stands, in one step; then drops the parts that no manifest names.
   * `begin` looks at the output as it is when a run comes for the first time.
   */
  async claim(claim: Claim, begin: (before: Manifest | null) => Promise<Beginning>): Promise<Position | null> {
    await this.close()
    await this.#log.make()
    for (let tries = 0; tries < mostTries; tries++) {
      const { top, head } = await this.#log.standing()
      const manifest =
        head?.run === claim.run ? this.#takeOver(claim, head) : await this.#begin(claim, { top, head }, begin)
      if (manifest === null || !(await this.#log.append(top + 1, manifest))) continue
      this.#number = top + 1
      this.#manifest = manifest
      await this.#clean(manifest)
      return manifest.position === null ? null : { ...manifest.position, fence: claim.fence }
    }
    const { output } = this.options
    throw new DroverError('STORE_BUSY', `${output}: others keep claiming partition "${this.id}".`, {
      isRetryable: true,
    })
  }

  /** The part to write the next batch to; a new one per claim, so that a writer of old cannot touch it. */
  async openPart(kind = ''): Promise<PartFile> {
    const open = this.#parts.get(kind)
    if (open !== undefined) return open
    const part = await PartFile.create(this.folder, this.manifest.fence)
    this.#parts.set(kind, part)
    return part
  }

  /** Stores a position together with what belongs to it. @throws `FENCED` */
  async commit(
    commit: Commit,
    parts: readonly Part[],
    files = this.manifest.files,
    details: JsonValue | undefined = this.manifest.details,
  ): Promise<void> {
    const { run, fence, position } = this.manifest
    const isNext = commit.sequence === (position?.sequence ?? 0) + 1
    if (commit.run !== run || commit.fence !== fence || !isNext) throw fenced(this.options.output, this.id)
    const { stale: _stale, ...manifest } = this.manifest // gone since the claim
    this.#manifest = manifest
    await this.advance({ position: commit, parts, files, ...(details === undefined ? {} : { details }) })
  }

  /** Stores the next manifest. Whatever goes wrong, it may have been stored: only another claim tells. @throws `FENCED` */
  async advance(changes: Partial<Manifest>): Promise<void> {
    const next = { ...this.manifest, ...changes }
    this.#manifest = null
    const number = this.#number + 1
    if (!(await this.#log.append(number, next))) throw fenced(this.options.output, this.id)
    this.#number = number
    this.#manifest = next
    await this.#log.prune(number)
  }

  /** The next batch gets a part of its own. */
  async closePart(): Promise<void> {
    const parts = [...this.#parts.values()]
    this.#parts.clear()
    await Promise.all(parts.map((part) => part.close()))
  }

  /** Nothing is committed through it any more until it is claimed again. */
  async close(): Promise<void> {
    this.#manifest = null
    await this.closePart()
  }

  #takeOver(claim: Claim, head: Manifest): Manifest {
    const { output, format } = this.options
    if (head.fence > claim.fence) throw fenced(output, this.id)
    if (head.format !== format && !head.finished) {
      throw new DroverError(
        'STATE_INVALID',
        `${output}: this run began to write it as ${head.format} and cannot go on as ${format}. Give the sink the options it had, or delete ${this.options.staging} to write it anew.`,
      )
    }
    return { ...head, partition: claim.partition, fence: claim.fence }
  }

  /** Null if another one came in between. */
  async #begin(
    { run, partition, fence }: Claim,
    { top, head }: Pick<Standing, 'top' | 'head'>,
    begin: (before: Manifest | null) => Promise<Beginning>,
  ): Promise<Manifest | null> {
    const { output, format } = this.options
    if (head?.retired.includes(run) === true) throw retired(output, this.folder)
    const before = head === null ? [] : retiredBy(head)
    try {
      const beginning = await begin(head)
      return {
        version: 1,
        format,
        run,
        partition,
        fence,
        position: null,
        parts: [],
        ...beginning,
        finished: false,
        retired: before,
      }
    } catch (error) {
      // What stands in the way may be what the other one wrote.
      if ((await this.#log.standing()).top !== top) return null
      throw error
    }
  }

  async #clean({ parts }: Manifest): Promise<void> {
    const named = new Set(parts.map((part) => part.name))
    for (const name of await namesIn(this.folder)) {
      if (name.endsWith('.part') && !named.has(name)) await rm(`${this.folder}/${name}`, { force: true })
    }
    await this.#log.prune(this.#number)
  }
}

/** The runs that must not come back once another one follows. */
export function retiredBy({ run, retired }: Manifest): readonly string[] {
  return [run, ...retired].slice(0, mostRetired)
}

/** Where a partition keeps its manifests and parts. */
export function partitionFolder(staging: string, id: string): string {
  return `${staging}/${safeName(id)}`
}
