import { type FileHandle, open } from 'node:fs/promises'
import { inputError } from '@drover/core'

/** Told how many bytes were read: for who wants to know what a read costs. */
export type ReadMeter = (bytes: number) => void

/** A file that is open. Bytes are read where they are asked for, never the whole. */
export class FileBytes {
  private constructor(
    /** As messages name it. */
    readonly path: string,
    readonly size: number,
    private readonly handle: FileHandle,
    private readonly meter: ReadMeter | undefined,
  ) {}

  static async open(path: string, meter?: ReadMeter): Promise<FileBytes> {
    let handle: FileHandle | undefined
    try {
      handle = await open(path, 'r')
      const { size } = await handle.stat()
      return new FileBytes(path, size, handle, meter)
    } catch (error) {
      await handle?.close()
      throw inputError(error, path)
    }
  }

  /** @throws `SOURCE_INVALID` if the file ends before `end` */
  async read(start: number, end: number): Promise<Buffer> {
    if (start < 0 || end > this.size || start > end)
      throw new Error(`it refers to bytes ${start} to ${end}, and has ${this.size}`)
    const bytes = Buffer.allocUnsafeSlow(end - start)
    let filled = 0
    while (filled < bytes.length) {
      const { bytesRead } = await this.#read(bytes, filled, start + filled)
      if (bytesRead === 0) throw new Error(`it ended at byte ${start + filled}, while it was read`)
      filled += bytesRead
    }
    this.meter?.(bytes.length)
    return bytes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.handle.close()
  }

  async #read(into: Buffer, at: number, position: number): Promise<{ bytesRead: number }> {
    try {
      return await this.handle.read(into, at, into.length - at, position)
    } catch (error) {
      throw inputError(error, this.path)
    }
  }
}

/** At once as much as this, where as much is left; behind a jump the reader may need less, so it grows from there. */
const windowBytes = 1024 * 1024
const firstWindowBytes = 32 * 1024

/** Bytes of a column chunk, read ahead as they are needed. */
export class ChunkBytes {
  #window: Buffer = Buffer.alloc(0)
  #from = 0
  #ahead = windowBytes

  constructor(
    private readonly file: FileBytes,
    /** Behind the last byte that may be read. */
    private readonly end: number,
  ) {}

  /** What comes now may be all that is wanted. */
  jump(): void {
    this.#ahead = firstWindowBytes
  }

  /** Bytes from `start` on: `length` of them, or those that are left. What comes behind is read with them, unless `isAlone`. */
  async at(start: number, length: number, isAlone = false): Promise<Buffer> {
    const end = Math.min(start + length, this.end)
    if (start < this.#from || end > this.#from + this.#window.length) {
      if (!isAlone) this.#ahead = Math.min(windowBytes, this.#ahead * 2)
      this.#window = await this.file.read(start, Math.min(isAlone ? end : Math.max(end, start + this.#ahead), this.end))
      this.#from = start
    }
    return this.#window.subarray(start - this.#from, Math.max(0, end - this.#from))
  }
}
