import type { Duplex } from 'node:stream'
import type { Connection, Submittable } from 'pg'

/** CopyData and CopyDone (PostgreSQL's manual, "Message Formats"). */
const copyData = 0x64
const copyDone = Uint8Array.of(0x63, 0, 0, 0, 4)

/**
 * A `COPY … FROM STDIN` that is open: made for `client.query()` of pg, then written to. Chunks go to the socket as they are, without
 * a copy; what the server says about one comes up with a later call.
 */
export class CopyIn implements Submittable {
  /** Set by pg where the client has a `query_timeout`. */
  callback?: () => void
  /** The number of rows, once the server has answered to the end; rejected with what it refused, or with what broke off. */
  readonly finished: Promise<number>
  /** It is on its way to the server, or will never be. */
  readonly submitted: Promise<void>
  #markSubmitted: () => void = () => {}
  #resolve: (rows: number) => void = () => {}
  #reject: (error: unknown) => void = () => {}
  #connection: Connection | undefined
  #stream: Duplex | undefined
  #rows = 0
  #isOver = false
  /** Who waits until the socket has room again. */
  #wake: (() => void) | undefined

  constructor(private readonly sql: string) {
    this.finished = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.submitted = new Promise((resolve) => {
      this.#markSubmitted = resolve
    })
  }

  /** The server takes nothing any more: `finished` says why. */
  get isOver(): boolean {
    return this.#isOver
  }

  submit(connection: Connection): void {
    this.#connection = connection
    this.#stream = connection.stream
    // The server reads data that is there before it has said that it wants some.
    connection.query(this.sql)
    this.#markSubmitted()
  }

  /**
   * Sends a chunk, once it is submitted. The promise, where there is one, is to be awaited before the next chunk: the socket is full.
   *
   * @param sent Called when nobody reads the chunk any more.
   */
  write(chunk: Uint8Array, sent?: () => void): Promise<void> | undefined {
    const stream = this.#stream
    if (this.#isOver || stream === undefined || !stream.writable) return undefined
    const head = Buffer.allocUnsafe(5)
    head[0] = copyData
    head.writeUInt32BE(chunk.length + 4, 1)
    stream.cork()
    stream.write(head)
    const hasRoom = stream.write(chunk, sent)
    stream.uncork()
    return hasRoom ? undefined : this.#room(stream)
  }

  /** All data is there. */
  end(): void {
    if (!this.#isOver && this.#stream?.writable) this.#stream.write(copyDone)
  }

  /** Has the server forget what it was sent: `finished` is rejected with its answer. */
  fail(): void {
    if (this.#isOver || !this.#stream?.writable) return
    const { sendCopyFail } = this.#connection as Connection & { sendCopyFail(reason: string): void }
    sendCopyFail.call(this.#connection, 'Drover gave the batch up')
  }

  handleError(error: unknown): void {
    // What pg says by itself, as at the end of its query_timeout, the server does not know of.
    if (!(error instanceof Error && 'severity' in error)) this.fail()
    this.#over()
    this.#reject(error)
  }

  handleCopyInResponse(): void {}

  handleCommandComplete(message: { readonly text?: string }): void {
    this.#rows = Number(/^COPY (\d+)/.exec(message.text ?? '')?.[1] ?? 0)
  }

  handleReadyForQuery(): void {
    this.#over()
    this.#resolve(this.#rows)
  }

  #room(stream: Duplex): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        stream.off('drain', this.#wake as () => void)
        stream.off('close', this.#wake as () => void)
        this.#wake = undefined
        resolve()
      }
      stream.on('drain', this.#wake)
      stream.on('close', this.#wake)
    })
  }

  #over(): void {
    this.#isOver = true
    this.#markSubmitted()
    this.callback?.()
    this.#wake?.()
  }
}
