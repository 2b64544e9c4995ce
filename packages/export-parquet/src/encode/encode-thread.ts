import { Worker } from 'node:worker_threads'
import { DroverError } from '@drover/core'
import type { WriterSettings } from './write-parquet.mjs'

/** Write `ipc` once with each of `variants`. Its memory is moved to the thread, and comes back with the answer. */
export interface EncodeRequest {
  readonly ipc: Uint8Array
  readonly variants: readonly WriterSettings[]
  /** The footers of the files are enough. */
  readonly onlyFooters: boolean
}

export interface Encoded {
  readonly files: readonly Uint8Array[]
  readonly ipc: Uint8Array
  /** Memory of the library. */
  readonly libraryBytes: number
}

export interface EncodingFailure {
  readonly failed: string
  /** The library could not be loaded. */
  readonly isMissing?: boolean
}

/** Encodes one request after the other: who asks waits for the answer before the next. */
export interface EncodePlace {
  /** It has ended, and nothing can be asked of it. */
  readonly isDead?: boolean
  encode(request: EncodeRequest): Promise<Encoded | EncodingFailure>
  close(): Promise<void>
}

/**
 * A worker thread that encodes; it keeps the process alive only while it works. Rejects with what kept it from starting: there is no file of
 * its own in an application that is bundled into one, and a process may be forbidden to have threads.
 */
export async function startThread(): Promise<EncodePlace> {
  const worker = new Worker(new URL('./encode-worker.mjs', import.meta.url), {
    name: 'drover-parquet',
    // Loaders and debuggers of the application have no business in it.
    execArgv: [],
  })
  const thread = new EncodeThread(worker)
  const first = await thread.answer()
  if (first === 'drover:ready') return thread
  await thread.close()
  throw new Error('encode-worker.mjs is not the file of this package')
}

class EncodeThread implements EncodePlace {
  #waiting: { resolve: (answer: unknown) => void; reject: (error: unknown) => void } | undefined
  #died: unknown

  constructor(readonly worker: Worker) {
    worker.on('message', (answer) => this.#waiting?.resolve(answer))
    worker.on('messageerror', (error) => this.#die(error))
    worker.on('error', (error) => this.#die(error))
    worker.on('exit', (code) => this.#die(new Error(`it ended with code ${code}`)))
  }

  get isDead(): boolean {
    return this.#died !== undefined
  }

  async encode(request: EncodeRequest): Promise<Encoded | EncodingFailure> {
    const answer = this.answer()
    if (this.#died === undefined) this.worker.postMessage(request, [request.ipc.buffer as ArrayBuffer])
    return (await answer) as Encoded | EncodingFailure
  }

  /** The next message. Until then the thread keeps the process alive. */
  async answer(): Promise<unknown> {
    if (this.#died !== undefined) throw this.#died
    this.worker.ref()
    try {
      return await new Promise<unknown>((resolve, reject) => {
        this.#waiting = { resolve, reject }
      })
    } finally {
      this.#waiting = undefined
      this.worker.unref()
    }
  }

  async close(): Promise<void> {
    await this.worker.terminate()
  }

  #die(error: unknown): void {
    this.#died ??= new DroverError(
      'UNEXPECTED',
      `The thread that encodes Parquet died (${error instanceof Error ? error.message : String(error)}). Nothing of the row group was written. Call again: the run goes on from its last commit. If it was short of memory, a smaller rowGroupBytes needs less.`,
      { cause: error },
    )
    this.#waiting?.reject(this.#died)
  }
}
