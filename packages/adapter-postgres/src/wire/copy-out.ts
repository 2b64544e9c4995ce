import type { Duplex } from 'node:stream'
import type { Connection, Submittable } from 'pg'
import { readInt32 } from './codecs/integer-codecs.js'
import type { CopyRows } from './copy-format.js'
import type { CopyFramer } from './copy-framer.js'

/** Types of messages (PostgreSQL's manual, "Message Formats"). */
const copyData = 0x64
const readyForQuery = 0x5a
const headLength = 5
/** One page in the hands of the consumer, one ahead, and the next one under way. */
const mostWaiting = 2

/**
 * Reads a `COPY … TO STDOUT (FORMAT binary)` as pages of whole rows. Made for `client.query()` of pg, and to be iterated
 * over once.
 *
 * While it runs it reads the socket itself: rows go from the socket's chunks straight into pages, all other messages go to pg as
 * ever; pg-copy-streams makes an object of each row on the way. The socket is paused while nobody takes pages.
 */
export class CopyOut implements Submittable, AsyncIterable<CopyRows> {
  /** Set by pg where the client has a `query_timeout`. */
  callback?: () => void
  /** Resolved when the server has answered to the end, or the connection is gone; never rejected. */
  readonly finished: Promise<void>
  #resolveFinished: () => void = () => {}
  #stream: Duplex | undefined
  #toPg: (chunk: Buffer) => void = () => {}
  #wake: () => void = () => {}
  #error: unknown
  #isFinished = false
  #isAbandoned = false
  /** Bytes that the message under way still has, and whether they are rows. */
  #left = 0
  #isData = false
  /** The first bytes of a message that a chunk ended in. */
  readonly #head = Buffer.alloc(headLength)
  #headUsed = 0

  constructor(
    private readonly sql: string,
    private readonly framer: CopyFramer,
  ) {
    this.finished = new Promise((resolve) => {
      this.#resolveFinished = resolve
    })
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<CopyRows, void, undefined> {
    try {
      for (;;) {
        const rows = this.framer.take()
        if (rows !== undefined) {
          if (this.framer.waiting < mostWaiting) this.#stream?.resume()
          yield rows
        } else if (this.#error !== undefined) {
          throw this.#error
        } else if (this.#isFinished) {
          const last = this.framer.end()
          if (last.starts.length > 0) yield last
          return
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve
          })
        }
      }
    } finally {
      this.abandon()
    }
  }

  /**
   * Nothing more is wanted. The server sends the rest all the same unless the statement is cancelled; it is thrown away, and the
   * client is free when `finished` is resolved.
   */
  abandon(): void {
    this.#isAbandoned = true
    this.#stream?.resume()
  }

  submit(connection: Connection): void {
    const { stream } = connection
    const [toPg] = stream.listeners('data')
    this.#toPg = toPg as (chunk: Buffer) => void
    this.#stream = stream
    stream.removeListener('data', this.#toPg)
    stream.on('data', this.#onData)
    stream.on('close', this.#onClose)
    connection.query(this.sql)
  }

  /** What the server, the connection or a timeout said. Called by pg. */
  handleError(error: unknown): void {
    this.#fail(error)
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {}

  /** Without a server there is no message that ends the statement. */
  readonly #onClose = (): void => {
    this.#fail(new Error('Connection terminated unexpectedly'))
    this.#detach()
  }

  readonly #onData = (chunk: Buffer): void => {
    let at = 0
    while (at < chunk.length) {
      if (this.#left > 0) at = this.#body(chunk, at)
      else if (this.#headUsed === 0 && chunk[at] === copyData) at = this.#rows(chunk, at)
      else at = this.#begin(chunk, at)
    }
    if (this.#isFinished || this.#isAbandoned) return
    try {
      this.framer.scan()
    } catch (error) {
      this.#fail(error)
      return
    }
    if (this.framer.waiting >= mostWaiting) this.#stream?.pause()
    if (this.framer.waiting > 0) this.#wake()
  }

  /** Messages of rows that are whole in the chunk: almost all. Gives where the first other one begins. */
  #rows(chunk: Buffer, from: number): number {
    let at = from
    while (at + headLength <= chunk.length && chunk[at] === copyData) {
      const end = at + 1 + readInt32(chunk, at + 1)
      if (end > chunk.length) break
      if (!this.#isAbandoned) this.framer.append(chunk, at + headLength, end)
      at = end
    }
    return at > from ? at : this.#begin(chunk, at)
  }

  /** The head of a message, as far as it is in the chunk. */
  #begin(chunk: Buffer, from: number): number {
    const end = Math.min(chunk.length, from + headLength - this.#headUsed)
    chunk.copy(this.#head, this.#headUsed, from, end)
    this.#headUsed += end - from
    if (this.#headUsed < headLength) return end
    this.#headUsed = 0
    this.#left = readInt32(this.#head, 1) - 4
    this.#isData = this.#head[0] === copyData
    if (this.#isData) return end
    // pg sends the next statement while it reads this message, which may be one like this.
    if (this.#head[0] === readyForQuery) this.#detach()
    this.#toPg(Buffer.from(this.#head))
    if (this.#left === 0 || !this.#isFinished) return end
    this.#left = 0
    this.#toPg(chunk.subarray(end))
    return chunk.length
  }

  #body(chunk: Buffer, from: number): number {
    const end = Math.min(chunk.length, from + this.#left)
    this.#left -= end - from
    if (!this.#isData) this.#toPg(chunk.subarray(from, end))
    else if (!this.#isAbandoned) this.framer.append(chunk, from, end)
    return end
  }

  #fail(error: unknown): void {
    this.#error ??= error
    this.#isAbandoned = true
    this.#stream?.resume()
    this.#wake()
  }

  #detach(): void {
    if (this.#isFinished) return
    this.#isFinished = true
    try {
      this.framer.scan()
    } catch (error) {
      this.#error ??= error
    }
    this.#stream?.off('data', this.#onData)
    this.#stream?.off('close', this.#onClose)
    this.#stream?.on('data', this.#toPg)
    this.#stream?.resume()
    this.callback?.()
    this.#resolveFinished()
    this.#wake()
  }
}
