import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { abortError, DroverError, type FileIdentity, identityOfOpen, writeFully } from '@drover/core'
import { fileFooter, fileHeader } from '../encode/file-footer.js'
import type { EncodedGroup, GroupFooter, PlacedGroup } from '../encode/group-footer.js'

const copyBytes = 1024 * 1024

/** What a finished file is. */
export interface FinishedFile {
  readonly identity: FileIdentity
  readonly sha256: string
  readonly rows: number
  readonly bytes: number
  readonly rowGroups: number
}

/** A Parquet file on its way: row groups one behind the other, and then the footer. */
export class OutputFile {
  readonly #groups: PlacedGroup[] = []
  #end = 0

  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    private readonly hash: Hash,
  ) {}

  static async create(path: string): Promise<OutputFile> {
    const file = new OutputFile(path, await open(path, 'wx'), createHash('sha256'))
    try {
      await file.#write(fileHeader)
      return file
    } catch (error) {
      await file.discard()
      throw error
    }
  }

  /** Removes a file that is not to be. Where that fails, the next claim of the output does it. */
  static async discard(path: string): Promise<void> {
    await rm(path, { force: true }).catch(() => {})
  }

  /** Goes on with a file that holds row groups and no footer yet. */
  static of(path: string, handle: FileHandle, written: { end: number; hash: Hash; groups: readonly PlacedGroup[] }) {
    const file = new OutputFile(path, handle, written.hash)
    file.#end = written.end
    file.#groups.push(...written.groups)
    return file
  }

  /** Length so far. */
  get end(): number {
    return this.#end
  }

  get isEmpty(): boolean {
    return this.#groups.length === 0
  }

  async add({ chunks, footer }: Pick<EncodedGroup, 'chunks' | 'footer'>): Promise<void> {
    this.#groups.push({ footer, at: this.#end })
    await this.#write(chunks)
  }

  /** Copies a row group out of another file, whose chunks begin at `at`. */
  async copyGroup(from: FileHandle, at: number, footer: GroupFooter, signal: AbortSignal): Promise<void> {
    this.#groups.push({ footer, at: this.#end })
    await this.#copy(from, at, at + footer.bytes, signal)
  }

  /** Copies the beginning of another file, where this one holds nothing yet. */
  async copyStart(from: FileHandle, end: number, groups: readonly PlacedGroup[], signal: AbortSignal): Promise<void> {
    this.#groups.push(...groups)
    await this.#copy(from, this.#end, end, signal)
  }

  /** Ends the file and waits until it is on the disk. */
  async finish(schema: Uint8Array, keyValues: Readonly<Record<string, string>>): Promise<FinishedFile> {
    await this.#write(await fileFooter(this.#groups, { schema, keyValues, at: this.#end }))
    await this.handle.sync()
    const rows = this.#groups.reduce((sum, { footer }) => sum + footer.rows, 0)
    const identity = await identityOfOpen(this.handle)
    return { identity, sha256: this.hash.digest('hex'), rows, bytes: this.#end, rowGroups: this.#groups.length }
  }

  /** An output that was kept from others' eyes stays so. */
  async setMode(mode: number): Promise<void> {
    await this.handle.chmod(mode)
  }

  async close(): Promise<void> {
    await this.handle.close()
  }

  /** For a file that is not to be: leaves nothing. */
  async discard(): Promise<void> {
    await this.handle.close().catch(() => {}) // why it is discarded is what counts
    await OutputFile.discard(this.path)
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const writing = writeFully(this.handle, bytes, this.#end)
    this.#end += bytes.byteLength
    this.hash.update(bytes)
    await writing
  }

  async #copy(from: FileHandle, start: number, end: number, signal: AbortSignal): Promise<void> {
    const block = Buffer.allocUnsafe(Math.max(1, Math.min(copyBytes, end - start)))
    for (let at = start; at < end; ) {
      if (signal.aborted) throw abortError(signal)
      const { bytesRead } = await from.read(block, 0, Math.min(block.length, end - at), at)
      if (bytesRead === 0) {
        throw new DroverError('STATE_INVALID', 'A part of the output is shorter than its manifest says.')
      }
      await this.#write(block.subarray(0, bytesRead))
      at += bytesRead
    }
  }
}
