import { randomBytes } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'

/** So much is handed to the disk while the batch goes on, so that there is little left to wait for at its end. */
const syncBytes = 2 * 2 ** 20

/**
 * A file that one session alone writes to, batch by batch. One write is under way while the next piece is made; what
 * stands behind the kept length counts for nothing and is written over.
 */
export class PartFile {
  #kept = 0
  #end = 0
  #opener = 0
  #writing: Promise<void> = Promise.resolve()
  /** The sync that is under way, or failed: a system tells of an error once. */
  #syncing: Promise<void> | undefined
  #unsynced = 0

  private constructor(
    readonly path: string,
    readonly name: string,
    readonly handle: FileHandle,
  ) {}

  /** Nobody else has the file open: its name is new. Its folder is private; the file bears the mode of the output it may become. */
  static async create(folder: string, fence: number): Promise<PartFile> {
    const name = `${fence}-${randomBytes(6).toString('hex')}.part`
    const path = `${folder}/${name}`
    return new PartFile(path, name, await open(path, 'wx'))
  }

  /** Bytes at the beginning that open the output. */
  get opener(): number {
    return this.#opener
  }

  /** Length of what was written. */
  get end(): number {
    return this.#end
  }

  /** Resolves when the piece before this one is written; `bytes` may then still be on its way. */
  async write(bytes: Uint8Array | Promise<Uint8Array>): Promise<void> {
    const before = this.#writing
    const writing = this.#writeAfter(before, bytes)
    writing.catch(() => {}) // whoever waits for the next piece, or for the end, gets it
    this.#writing = writing
    await before
  }

  /** Waits until all that was given is written; it need not be on the disk yet. */
  async flush(): Promise<void> {
    await this.#writing
  }

  /** Begins the part with what opens the output; that stays, whatever becomes of the first batch. */
  async open(opener: Uint8Array): Promise<void> {
    await writeFully(this.handle, opener, 0)
    this.#opener = this.#end = this.#kept = opener.byteLength
  }

  /** Waits until all that was written is on the disk. */
  async settle(): Promise<number> {
    await this.#writing
    await this.#syncing
    await this.handle.datasync()
    this.#unsynced = 0
    return this.#end
  }

  /** What was written so far is committed. */
  keep(): void {
    this.#kept = this.#end
  }

  /** Cuts off what is not committed, which also gives its space back. */
  async forget(): Promise<void> {
    await this.#writing.catch(() => {}) // its error is why this is called
    await this.#syncing?.catch(() => {})
    this.#writing = Promise.resolve()
    this.#syncing = undefined
    this.#end = this.#kept
    await this.handle.truncate(this.#kept)
  }

  async close(): Promise<void> {
    await this.#writing.catch(() => {}) // what was never settled is not committed
    await this.#syncing?.catch(() => {})
    await this.handle.close()
  }

  async #writeAfter(before: Promise<void>, piece: Uint8Array | Promise<Uint8Array>): Promise<void> {
    const [bytes] = await Promise.all([piece, before])
    await writeFully(this.handle, bytes, this.#end)
    this.#end += bytes.byteLength
    this.#unsynced += bytes.byteLength
    if (this.#unsynced >= syncBytes && this.#syncing === undefined) this.#sync()
  }

  #sync(): void {
    this.#unsynced = 0
    const syncing = this.handle.datasync().then(() => {
      this.#syncing = undefined
    })
    syncing.catch(() => {}) // `settle` waits for it, and tells
    this.#syncing = syncing
  }
}

/** A write may take less than it is given, on a disk that is about to be full for one. */
export async function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.byteLength; ) {
    const result = await handle.write(bytes, written, bytes.byteLength - written, position + written)
    written += result.bytesWritten
  }
}
