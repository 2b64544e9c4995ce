import { randomUUID } from 'node:crypto'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DroverError, type ErrorCode } from '@drover/core'

/** A file without a name, which is gone with whoever has it open. It is added to, and read anywhere. */
export class SpillFile {
  #size = 0

  private constructor(
    private readonly handle: FileHandle,
    private readonly folder: string,
  ) {}

  /**
   * @throws DroverError that names the folder
   */
  static async create(folder = tmpdir()): Promise<SpillFile> {
    const path = join(folder, `drover-keys-${randomUUID()}`)
    return failing(folder, async () => {
      const handle = await open(path, 'wx+', 0o600)
      try {
        await unlink(path) // it stays for who has it open
      } catch (error) {
        await handle.close()
        throw error
      }
      return new SpillFile(handle, folder)
    })
  }

  get size(): number {
    return this.#size
  }

  async append(bytes: Uint8Array): Promise<void> {
    const begin = this.#size
    this.#size += bytes.length
    await failing(this.folder, async () => {
      for (let done = 0; done < bytes.length; ) {
        done += (await this.handle.write(bytes, done, bytes.length - done, begin + done)).bytesWritten
      }
    })
  }

  /** Fills all of `into`. */
  async read(into: Uint8Array, from: number): Promise<void> {
    await failing(this.folder, async () => {
      for (let done = 0; done < into.length; ) {
        const { bytesRead } = await this.handle.read(into, done, into.length - done, from + done)
        if (bytesRead === 0) throw new Error(`it ends at ${from + done}`)
        done += bytesRead
      }
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.handle.close()
  }
}

const remedies: Readonly<Record<string, readonly [code: ErrorCode, remedy: string]>> = {
  ENOSPC: ['STORE_FULL', 'the disk is full'],
  EDQUOT: ['STORE_FULL', 'the quota is used up'],
  EFBIG: ['STORE_FULL', 'no file may get larger here'],
  EACCES: ['STORE_DENIED', 'this user may not write there'],
  EPERM: ['STORE_DENIED', 'this user may not write there'],
  EROFS: ['STORE_DENIED', 'the file system is read-only'],
  ENOENT: ['STORE_DENIED', 'there is no such folder'],
  ENOTDIR: ['STORE_DENIED', 'that is no folder'],
}

async function failing<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const said = (error as NodeJS.ErrnoException).code
    const [code, what] = remedies[said ?? ''] ?? ['UNEXPECTED', error instanceof Error ? error.message : String(error)]
    throw new DroverError(
      code,
      `The list of keys to read has no place in memory, and none in a temporary file in ${folder} either: ${what}${said === undefined ? '' : ` (${said})`}. Make room there, or name another folder by the variable TMPDIR, and call again.`,
      { cause: error },
    )
  }
}
