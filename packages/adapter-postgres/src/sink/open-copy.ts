import { type DelimitedPage, DroverError, type Row } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { quoteName } from '../connection/quote-name.js'
import type { CopyEncoder } from '../wire/copy-encoder.js'
import { copyHeader, copyTrailer } from '../wire/copy-format.js'
import { CopyIn } from './copy-in.js'
import type { CopyForm } from './row-encoder.js'

export interface CopyOptions {
  readonly connection: PostgresConnection
  /** As SQL names it. */
  readonly table: string
  /** Names of the columns, in the order of the rows. */
  readonly columns: readonly string[]
  readonly form: CopyForm
  /** For rows that come as records. */
  readonly encoder: CopyEncoder
  /** Place in the batch of the first row. */
  readonly first: number
  readonly doing: string
  /** It ended well: the encoder is free. */
  readonly onEnd: () => void
}

/** One COPY that is open on a connection. Its failures name rows by their places in the batch. */
export class OpenCopy {
  readonly #copy: CopyIn
  readonly #finished: Promise<number>
  #rows = 0

  private constructor(private readonly options: CopyOptions) {
    const { connection, table, columns, form, doing } = options
    const format = form === 'binary' ? ' (FORMAT binary)' : ''
    const copy = new CopyIn(`COPY ${table} (${columns.map(quoteName).join(', ')}) FROM STDIN${format}`)
    this.#copy = copy
    this.#finished = connection.run(doing, (client) => {
      client.query(copy)
      return copy.finished
    })
    // Told to whoever writes or ends next.
    this.#finished.catch(() => {})
  }

  static async open(options: CopyOptions): Promise<OpenCopy> {
    const opened = new OpenCopy(options)
    await opened.#copy.submitted
    if (options.form === 'binary') await opened.#copy.write(copyHeader)
    return opened
  }

  get rows(): number {
    return this.#rows
  }

  /** Sends records. @throws `RECORD_REFUSED` with the row that cannot be written, and what the server said about rows before. */
  async write(rows: readonly Row[]): Promise<void> {
    const { encoder, first } = this.options
    await this.#encoded(encoder.encode(rows, first + this.#rows), rows.length)
  }

  /** Sends a page of texts; false if this COPY has no way to. @throws `RECORD_REFUSED`, `PAGE_STALE` */
  async writeTexts(page: DelimitedPage): Promise<boolean> {
    const { encoder, first } = this.options
    const chunks = encoder.encodeTexts?.(page, first + this.#rows)
    if (chunks === undefined) return false
    await this.#encoded(chunks, page.count)
    return true
  }

  async #encoded(chunks: Iterable<Uint8Array>, rows: number): Promise<void> {
    const { encoder } = this.options
    for (const chunk of chunks) {
      const full = this.#send(chunk, () => encoder.release(chunk))
      if (full !== undefined) await full
    }
    this.#rows += rows
    await this.#check()
  }

  /** Sends rows that are in the form of this COPY already. */
  async pass(rows: Uint8Array, count: number): Promise<void> {
    await this.#flush()
    const full = this.#send(rows)
    this.#rows += count
    if (full !== undefined) await full
    await this.#check()
  }

  /** Gives the number of rows that are there now: triggers may have left some out. */
  async end(): Promise<number> {
    await this.#flush()
    if (this.options.form === 'binary') await this.#copy.write(copyTrailer)
    this.#copy.end()
    const rows = await this.#told()
    this.options.onEnd()
    return rows
  }

  /** Gives it up, and waits until the connection is free. */
  async abandon(): Promise<void> {
    this.#copy.fail()
    // That it failed is what was asked for.
    await this.#finished.catch(() => {})
  }

  async #flush(): Promise<void> {
    const { encoder } = this.options
    const rest = encoder.flush()
    const full = rest === null ? undefined : this.#send(rest, () => encoder.release(rest))
    if (full !== undefined) await full
  }

  #send(bytes: Uint8Array, sent?: () => void): Promise<void> | undefined {
    return this.#copy.write(bytes, sent)
  }

  async #check(): Promise<void> {
    if (this.#copy.isOver) await this.#told()
  }

  async #told(): Promise<number> {
    try {
      return await this.#finished
    } catch (error) {
      throw inBatch(error, this.options.first)
    }
  }
}

/** The server counts lines from where this COPY began. */
function inBatch(error: unknown, first: number): unknown {
  if (first === 0 || !DroverError.isInstance(error) || error.row === undefined) return error
  const row = error.row + first
  const message = error.message.replace(`record ${error.row + 1} of the batch`, `record ${row + 1} of the batch`)
  return new DroverError(error.code, message, { row, cause: error.cause })
}
