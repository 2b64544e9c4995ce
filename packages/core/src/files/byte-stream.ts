import { type FileHandle, open } from 'node:fs/promises'
import { createGunzip, type Gunzip } from 'node:zlib'
import { abortError } from '../engine/retry.js'
import { DroverError } from '../errors/drover-error.js'
import { isGzip } from './gzip-piece.js'

const chunkBytes = 512 * 1024

export interface ByteStreamOptions {
  /** As the user named it. */
  readonly input: string
  readonly path: string
  /** @default found out by the file's first two bytes */
  readonly gzip?: boolean | undefined
  /** Uncompressed bytes to leave out. */
  readonly from: number
  readonly signal: AbortSignal
}

/** The bytes of a file from an offset on, uncompressed, a chunk ahead of whoever takes them. */
export class ByteStream implements AsyncDisposable {
  #ahead: Promise<Buffer | null> | undefined
  #chunks: AsyncIterator<Buffer, unknown>

  private constructor(
    private readonly handle: FileHandle,
    /** Of the file, as it is on the disk. */
    readonly size: number,
    readonly isCompressed: boolean,
    private readonly options: ByteStreamOptions,
  ) {
    const { from } = options
    this.#chunks = isCompressed ? this.#inflated(from) : this.#plain(from)
  }

  /** @throws the system's error; `SOURCE_INVALID` if it is no file, or has no byte at `from` */
  static async open(options: ByteStreamOptions): Promise<ByteStream> {
    const handle = await open(options.path, 'r')
    try {
      const found = await handle.stat()
      if (!found.isFile()) {
        const what = found.isDirectory() ? 'is a folder' : 'is no regular file'
        throw new DroverError('SOURCE_INVALID', `${options.input} ${what}. Name a file.`)
      }
      const gzip = options.gzip ?? isGzip(await startOf(handle))
      if (!gzip && options.from > found.size) throw fileIsShorter(options.input)
      return new ByteStream(handle, found.size, gzip, options)
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** Bytes of the file on the disk that were taken to get as far as this. */
  consumed = 0

  /** The next chunk, which is the caller's own; null at the end. */
  async next(): Promise<Buffer | null> {
    const chunk = await (this.#ahead ?? this.#pull())
    this.#ahead = undefined
    if (chunk === null) return null
    const ahead = this.#pull()
    ahead.catch(() => {}) // whoever calls next() gets it
    this.#ahead = ahead
    return chunk
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ahead?.catch(() => {}) // a chunk that nobody asked for any more
    await this.#chunks.return?.()
    await this.handle.close()
  }

  async #pull(): Promise<Buffer | null> {
    const { signal } = this.options
    if (signal.aborted) throw abortError(signal)
    const next = await this.#chunks.next()
    return next.done === true ? null : (next.value as Buffer)
  }

  async *#plain(from: number): AsyncGenerator<Buffer> {
    for (let at = from; ; ) {
      const chunk = Buffer.allocUnsafeSlow(chunkBytes)
      const { bytesRead } = await this.handle.read(chunk, 0, chunkBytes, at)
      if (bytesRead === 0) return
      at += bytesRead
      this.consumed = at
      yield chunk.subarray(0, bytesRead)
    }
  }

  async *#inflated(from: number): AsyncGenerator<Buffer> {
    const compressed = this.handle.createReadStream({ start: 0, autoClose: false, highWaterMark: chunkBytes })
    const inflated = compressed.pipe(createGunzip({ chunkSize: chunkBytes }))
    compressed.on('error', (error) => inflated.destroy(error))
    let toSkip = from
    try {
      for await (const chunk of inflated as AsyncIterable<Buffer>) {
        this.consumed = (inflated as Gunzip).bytesWritten
        if (chunk.length > toSkip) yield toSkip === 0 ? chunk : chunk.subarray(toSkip)
        toSkip = Math.max(0, toSkip - chunk.length)
      }
    } catch (error) {
      throw String((error as { code?: unknown }).code).startsWith('Z_') ? damaged(this.options.input, error) : error
    } finally {
      compressed.destroy()
    }
    if (toSkip > 0) throw fileIsShorter(this.options.input)
  }
}

async function startOf(handle: FileHandle): Promise<Uint8Array> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0)
  return buffer.subarray(0, bytesRead)
}

/** The file ends before the place where a run is to go on. */
export function fileIsShorter(input: string): DroverError {
  return new DroverError(
    'SOURCE_INVALID',
    `${input} is shorter than where the run stands: it was replaced or cut. Put it back, or begin a new run (again: 'full').`,
  )
}

function damaged(input: string, cause: unknown): DroverError {
  const said = cause instanceof Error ? cause.message : String(cause)
  return new DroverError('SOURCE_INVALID', `${input} cannot be uncompressed: ${said}. Is it cut off or damaged?`, {
    cause,
  })
}
