import type { Commit } from '../contracts/position.js'
import type { CommitBatch } from '../contracts/sink.js'
import { FileSession, type FileSessionOptions } from './file-session.js'
import { BatchFiles, type FileNames } from './staging/batch-files.js'
import type { PartitionStage } from './staging/partition-stage.js'

/** Writes every batch into a file of its own, which appears with all its records right after they are committed. */
export class BatchFilesSession extends FileSession {
  readonly #files: BatchFiles

  constructor(
    options: FileSessionOptions & { readonly onExisting: 'replace' | 'error' | undefined; readonly names: FileNames },
  ) {
    const { output, location, gzip, onExisting, names } = options
    const extension = gzip ? '.json.gz' : '.json'
    const files = new BatchFiles({ output, folder: location.path, extension, onExisting, names })
    super(options, files)
    this.#files = files
  }

  protected async commit(stage: PartitionStage, batch: CommitBatch<object>, signal: AbortSignal): Promise<void> {
    const { files } = stage.manifest
    const { opener, closer } = this.options.format
    const part = await stage.openPart()
    let position: Commit
    let rows: number
    try {
      const writer = this.writer(stage, part, opener)
      await this.take(batch, writer, signal)
      rows = writer.rows
      if (rows > 0) {
        await writer.end(closer)
        await part.settle()
      }
      position = await batch.commit({ inserted: rows, updated: 0, skipped: 0 })
    } catch (error) {
      // What cannot be cut off now is written over by the next batch.
      await part.forget().catch(() => {})
      throw error
    }
    const { name, end: length } = part
    await stage.closePart()
    if (rows === 0) return stage.commit(position, [])
    await stage.commit(position, [{ name, length, opener: 0 }], files + 1)
    await this.#files.place(stage)
  }
}
