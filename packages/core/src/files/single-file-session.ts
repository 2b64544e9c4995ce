import type { Commit } from '../contracts/position.js'
import type { CommitBatch } from '../contracts/sink.js'
import { fileLayout } from './file-layout.js'
import { FileSession, type FileSessionOptions } from './file-session.js'
import type { Part } from './staging/manifest.js'
import type { PartFile } from './staging/part-file.js'
import type { PartitionStage } from './staging/partition-stage.js'
import { SingleFile } from './staging/single-file.js'

/** Appends every batch to the partition's part; the parts become one file when the run is complete. */
export class SingleFileSession extends FileSession {
  readonly #opener: Uint8Array

  constructor(options: FileSessionOptions & { readonly onExisting: 'replace' | 'error' }) {
    const { output, location, format, gzip, onExisting, warn } = options
    const layout = fileLayout(format, gzip, output)
    super(options, new SingleFile({ output, ...location, layout, onExisting, warn }))
    this.#opener = layout.opener
  }

  protected async commit(stage: PartitionStage, batch: CommitBatch<object>, signal: AbortSignal): Promise<void> {
    const part = await this.#part(stage)
    let position: Commit
    let rows: number
    try {
      const writer = this.writer(stage, part, stage.manifest.parts.length === 0 ? '' : undefined)
      await this.take(batch, writer, signal)
      await writer.end()
      rows = writer.rows
      if (rows > 0) await part.settle()
      position = await batch.commit({ inserted: rows, updated: 0, skipped: 0 })
    } catch (error) {
      // What cannot be cut off now is written over by the next batch.
      await part.forget().catch(() => {})
      throw error
    }
    const { parts } = stage.manifest
    await stage.commit(position, rows === 0 ? parts : withPart(parts, part))
    part.keep()
  }

  /** The opener stands at the very beginning of a partition, in case its only part becomes the output. */
  async #part(stage: PartitionStage): Promise<PartFile> {
    const part = await stage.openPart()
    if (part.end === 0 && stage.manifest.parts.length === 0) await part.open(this.#opener)
    return part
  }
}

function withPart(parts: readonly Part[], { name, end, opener }: PartFile): readonly Part[] {
  return [...parts.filter((other) => other.name !== name), { name, length: end, opener }]
}
