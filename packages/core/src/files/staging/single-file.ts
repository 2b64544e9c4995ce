import { randomUUID } from 'node:crypto'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Claim } from '../../contracts/position.js'
import type { ConnectOperation } from '../../contracts/stall.js'
import type { Operation } from '../../contracts/values.js'
import { syncFolder } from '../../disk/durable.js'
import { systemCode } from '../../disk/file-error.js'
import { abortError } from '../../engine/retry.js'
import { DroverError } from '../../errors/drover-error.js'
import { fenced } from './fenced.js'
import { identityOf, identityOfOpen, isSameFile } from './file-identity.js'
import type { ExistingOutput, FileIdentity, Manifest, Part } from './manifest.js'
import { MissingOutput } from './missing-output.js'
import { type PartFile, writeFully } from './part-file.js'
import type { Beginning, PartitionStage } from './partition-stage.js'
import { assembling, type Placement, type StagedPartition } from './staged-output.js'

/** What stands around and between the records of a file, as bytes of that file. */
export interface Layout {
  readonly opener: Uint8Array
  /** Between what two partitions wrote, and behind an output that is continued. */
  readonly between: Uint8Array
  readonly closer: Uint8Array
  /** The whole file if there is no record. */
  readonly empty: Uint8Array
  /** Bytes of an existing output that stay when it is continued; 0 if it holds no record. @throws `SINK_NOT_READY` if it cannot be */
  lengthToKeep(handle: FileHandle, size: number): Promise<number>
  /** What has to stand behind an output that is continued. */
  behindExisting(handle: FileHandle, length: number): Promise<Uint8Array>
}

export interface SingleFileOptions {
  /** As the user named it. */
  readonly output: string
  /** Where it really is. */
  readonly path: string
  readonly staging: string
  readonly layout: Layout
  readonly onExisting: 'replace' | 'error'
  readonly warn: ConnectOperation['warn']
}

const copyBytes = 1024 * 1024

/** One file, made of all parts in the order of the partitions, which gets its name when it is whole. */
export class SingleFile implements Placement {
  readonly #missing: MissingOutput

  constructor(private readonly options: SingleFileOptions) {
    this.#missing = new MissingOutput(options.output, options.warn)
  }

  async begin({ partition }: Claim): Promise<Beginning> {
    const { path, output, onExisting } = this.options
    const identity = await identityOf(path)
    if (identity === null) {
      if (partition.start !== undefined) this.#missing.tell()
      return { files: 0 }
    }
    if (partition.start === undefined) {
      if (onExisting === 'replace') return { files: 0 }
      throw new DroverError(
        'SINK_NOT_READY',
        `${output} exists already. Move it away, or let it be replaced with onExisting: 'replace'.`,
      )
    }
    const handle = await open(path, 'r')
    try {
      const length = await this.options.layout.lengthToKeep(handle, identity.size)
      return length === 0 ? { files: 0 } : { files: 0, existing: { ...identity, length } }
    } finally {
      await handle.close()
    }
  }

  async complete(
    partitions: readonly StagedPartition[],
    stages: ReadonlyMap<string, PartitionStage>,
    operation: Operation,
  ): Promise<void> {
    const [first] = partitions
    if (first === undefined) return
    const { path } = this.options
    const current = await identityOf(path)
    if (isSameFile(current, first.manifest.assembled)) return // a crash came right after the rename
    const existing = partitions.find(({ manifest }) => manifest.existing !== undefined)?.manifest.existing
    if (existing !== undefined && !isSameFile(current, existing)) throw this.#changed()
    // An attempt before this one began with it.
    const continues = partitions.some(({ manifest }) => manifest.partition.start !== undefined)
    if (current === null && continues) this.#missing.tell()
    const stage = stages.get(first.manifest.partition.id)
    const own = existing === undefined && partitions.length === 1 ? ownPart(first.manifest, stage) : null
    if (own !== null && stage !== undefined) await this.#rename(own, stage)
    else await this.#assemble(partitions, existing, stages, operation)
    await syncFolder(dirname(path))
  }

  /** The only part becomes the output: this session alone ever had it open, so nobody can write to it any more. */
  async #rename(part: PartFile, stage: PartitionStage): Promise<void> {
    await part.forget()
    await part.write(this.options.layout.closer)
    await part.settle()
    await this.#keepMode(part.handle)
    await stage.advance({ assembled: await identityOfOpen(part.handle) })
    await this.#place(part.path, stage.id)
  }

  async #assemble(
    partitions: readonly StagedPartition[],
    existing: ExistingOutput | undefined,
    stages: ReadonlyMap<string, PartitionStage>,
    { signal }: Operation,
  ): Promise<void> {
    const [first] = partitions as readonly [StagedPartition, ...StagedPartition[]]
    const { path, staging, layout } = this.options
    const fresh = `${staging}/${randomUUID()}${assembling}`
    const target = await open(fresh, 'wx')
    try {
      const writer = new FileWriter(target, signal)
      if (existing !== undefined) {
        await this.#reading(path, async (from) => {
          await writer.copy(from, 0, existing.length)
          await writer.write(await layout.behindExisting(from, existing.length))
        })
      }
      for (const { log, manifest } of partitions) {
        if (manifest.parts.length === 0) continue
        await writer.write(writer.end === 0 ? layout.opener : layout.between)
        for (const part of manifest.parts) await this.#copyPart(writer, log.folder, part)
      }
      await writer.write(writer.end === 0 ? layout.empty : layout.closer)
      await this.#keepMode(target)
      await target.sync()
      await this.#announce(first, await identityOfOpen(target), stages)
      await this.#place(fresh, first.manifest.partition.id)
    } catch (error) {
      await rm(fresh, { force: true })
      throw error
    } finally {
      await target.close()
    }
  }

  /** Stores what the output will be, so that whoever comes after a crash can tell whether it is in its place. */
  async #announce(
    first: StagedPartition,
    assembled: FileIdentity,
    stages: ReadonlyMap<string, PartitionStage>,
  ): Promise<void> {
    const { log, top, manifest } = first
    const stage = stages.get(manifest.partition.id)
    if (stage !== undefined) await stage.advance({ assembled })
    else if (!(await log.append(top + 1, { ...manifest, assembled }))) {
      throw fenced(this.options.output, manifest.partition.id)
    }
  }

  async #copyPart(writer: FileWriter, folder: string, part: Part): Promise<void> {
    try {
      await this.#reading(`${folder}/${part.name}`, (from) => writer.copy(from, part.opener, part.length))
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error
      throw new DroverError(
        'STATE_INVALID',
        `${this.options.output}: a part of it, ${part.name} in ${folder}, is not there any more. Delete ${this.options.staging} to write the output anew.`,
        { cause: error },
      )
    }
  }

  async #reading(path: string, read: (handle: FileHandle) => Promise<void>): Promise<void> {
    const handle = await open(path, 'r')
    try {
      await read(handle)
    } finally {
      await handle.close()
    }
  }

  /** A claim by somebody else drops what is not in its place yet: then there is nothing to rename. */
  async #place(from: string, partition: string): Promise<void> {
    try {
      await rename(from, this.options.path)
    } catch (error) {
      if (systemCode(error) === 'ENOENT') throw fenced(this.options.output, partition)
      throw error
    }
  }

  /** An output that was kept from others' eyes stays so. */
  async #keepMode(fresh: FileHandle): Promise<void> {
    try {
      await fresh.chmod((await stat(this.options.path)).mode & 0o777)
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error
    }
  }

  #changed(): DroverError {
    const { output, staging } = this.options
    return new DroverError(
      'SINK_NOT_READY',
      `${output} was changed by another program since this incremental run began, and would lose that change. Put it back as it was, or delete ${staging} to append to it as it is now.`,
    )
  }
}

/** The one part of a partition, if this session wrote it. */
function ownPart(manifest: Manifest, stage: PartitionStage | undefined): PartFile | null {
  const [part, ...others] = manifest.parts
  return part !== undefined && others.length === 0 && stage?.part?.name === part.name ? stage.part : null
}

/** Writes one piece behind the other. */
class FileWriter {
  end = 0

  constructor(
    private readonly handle: FileHandle,
    private readonly signal: AbortSignal,
  ) {}

  async write(bytes: Uint8Array): Promise<void> {
    await writeFully(this.handle, bytes, this.end)
    this.end += bytes.byteLength
  }

  async copy(source: FileHandle, from: number, to: number): Promise<void> {
    const block = Buffer.allocUnsafe(Math.min(copyBytes, to - from))
    for (let at = from; at < to; ) {
      if (this.signal.aborted) throw abortError(this.signal)
      const { bytesRead } = await source.read(block, 0, Math.min(block.length, to - at), at)
      if (bytesRead === 0)
        throw new DroverError('STATE_INVALID', 'A part of the output is shorter than its manifest says.')
      await this.write(block.subarray(0, bytesRead))
      at += bytesRead
    }
  }
}
