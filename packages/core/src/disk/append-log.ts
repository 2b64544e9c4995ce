import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { privateFile, syncFolder } from './durable.js'
import { systemCode } from './file-error.js'

/**
 * A file that grows by whole lines. An append is durable when it returns; one that failed is cut off again, so that the
 * next does not continue a torn line.
 */
export class AppendLog {
  #cut = false

  private constructor(
    private readonly handle: FileHandle,
    /** Where the last good line ends, in bytes. */
    private end: number,
  ) {}

  /** Opens a file, or makes it. What a crash left of a last line is cut off. */
  static async open(path: string): Promise<AppendLog> {
    const { handle, isNew } = await opened(path)
    try {
      if (isNew) await syncFolder(dirname(path))
      const { size } = await handle.stat()
      const log = new AppendLog(handle, size === 0 ? 0 : await endOfLastLine(handle, size))
      log.#cut = log.end < size
      return log
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** No line stands in it. */
  get isEmpty(): boolean {
    return this.end === 0
  }

  /** Appends text of whole lines. Not to be called again before it is done. */
  async append(text: string): Promise<void> {
    const bytes = Buffer.from(text, 'utf8')
    if (this.#cut) await this.handle.truncate(this.end)
    this.#cut = true
    try {
      for (let written = 0; written < bytes.length; ) {
        const result = await this.handle.write(bytes, written, bytes.length - written, this.end + written)
        written += result.bytesWritten
      }
      await this.handle.datasync()
    } catch (error) {
      // If cutting fails too, it is done before the next append; readers ignore a torn last line.
      await this.handle.truncate(this.end).catch(() => {})
      throw error
    }
    this.#cut = false
    this.end += bytes.length
  }

  async close(): Promise<void> {
    await this.handle.close()
  }
}

async function opened(path: string): Promise<{ handle: FileHandle; isNew: boolean }> {
  try {
    return { handle: await open(path, 'wx+', privateFile), isNew: true }
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
    return { handle: await open(path, 'r+'), isNew: false }
  }
}

/** Behind the last line feed; 0 if there is none. */
async function endOfLastLine(handle: FileHandle, size: number): Promise<number> {
  const block = Buffer.alloc(64 * 1024)
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - block.length)
    const { bytesRead } = await handle.read(block, 0, end - start, start)
    const at = block.subarray(0, bytesRead).lastIndexOf(0x0a)
    if (at >= 0) return start + at + 1
    end = start
  }
  return 0
}
