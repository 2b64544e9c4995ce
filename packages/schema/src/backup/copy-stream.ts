import type { Duplex } from 'node:stream'
import type { PostgresConnection } from '@drover/adapter-postgres'
import type { Connection, Submittable } from 'pg'

/** Bytes that are collected before somebody is given them. */
const chunkBytes = 512 * 1024

/**
 * Reads a `COPY … TO STDOUT` in text format. `take` is given whole rows, each with its line feed; while its promise is open the server waits.
 */
export async function copyOut(
  connection: PostgresConnection,
  sql: string,
  take: (rows: readonly Uint8Array[]) => Promise<void> | void,
): Promise<void> {
  const copy = new CopyText(sql, take)
  await connection.run(`reading by ${sql.slice(0, 120)}`, (client) => {
    client.query(copy)
    return copy.finished
  })
}

class CopyText implements Submittable {
  readonly finished: Promise<void>
  #resolve: () => void = () => {}
  #reject: (error: unknown) => void = () => {}
  #rows: Uint8Array[] = []
  #bytes = 0
  #taken: Promise<void> = Promise.resolve()
  #failure: unknown

  constructor(
    private readonly sql: string,
    private readonly take: (rows: readonly Uint8Array[]) => Promise<void> | void,
  ) {
    this.finished = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  submit(connection: Connection): void {
    connection.query(this.sql)
  }

  /** The server sends a row in each message: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY */
  handleCopyData({ chunk }: { readonly chunk: Buffer }, { stream }: Connection): void {
    // pg uses its buffer again.
    this.#rows.push(new Uint8Array(chunk))
    this.#bytes += chunk.length
    if (this.#bytes < chunkBytes) return
    stream.pause()
    this.#pass()
    void this.#taken.then(() => stream.resume())
  }

  handleError(error: unknown): void {
    this.#reject(error)
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.#pass()
    void this.#taken.then(() => (this.#failure === undefined ? this.#resolve() : this.#reject(this.#failure)))
  }

  #pass(): void {
    const rows = this.#rows
    this.#rows = []
    this.#bytes = 0
    this.#taken = this.#taken
      .then(() => (this.#failure === undefined && rows.length > 0 ? this.take(rows) : undefined))
      .catch((error: unknown) => {
        // The server sends the rest all the same; it is thrown away.
        this.#failure ??= error
      })
  }
}

/** Sends rows in text format by a `COPY … FROM STDIN`. Gives how many there are. */
export async function copyIn(
  connection: PostgresConnection,
  sql: string,
  rows: AsyncIterable<Uint8Array>,
): Promise<number> {
  const copy = new CopyFrom(sql)
  return connection.run(`writing by ${sql.slice(0, 120)}`, async (client) => {
    client.query(copy)
    try {
      for await (const chunk of rows) {
        if (copy.isOver) break
        await copy.write(chunk)
      }
      copy.end()
    } catch (error) {
      copy.fail()
      await copy.finished.catch(() => {}) // that it failed is what was asked for
      throw error
    }
    return await copy.finished
  })
}

interface CopyConnection {
  readonly stream: Duplex
  sendCopyFromChunk(chunk: Uint8Array): void
  endCopyFrom(): void
  sendCopyFail(reason: string): void
}

class CopyFrom implements Submittable {
  readonly finished: Promise<number>
  isOver = false
  #resolve: (rows: number) => void = () => {}
  #reject: (error: unknown) => void = () => {}
  #ready: (connection: CopyConnection | null) => void = () => {}
  readonly #connection: Promise<CopyConnection | null>
  #open: CopyConnection | null = null
  #rows = 0

  constructor(private readonly sql: string) {
    this.finished = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.finished.catch(() => {}) // told to whoever writes or ends next
    this.#connection = new Promise((resolve) => {
      this.#ready = resolve
    })
  }

  submit(connection: Connection): void {
    connection.query(this.sql)
  }

  handleCopyInResponse(connection: Connection): void {
    this.#open = connection as unknown as CopyConnection
    this.#ready(this.#open)
  }

  async write(chunk: Uint8Array): Promise<void> {
    const connection = await this.#connection
    if (connection === null || this.isOver) return
    connection.sendCopyFromChunk(chunk)
    const { stream } = connection
    if (!stream.writableNeedDrain) return
    await new Promise<void>((resolve) => {
      const go = (): void => {
        stream.off('drain', go)
        stream.off('close', go)
        resolve()
      }
      stream.on('drain', go)
      stream.on('close', go)
    })
  }

  end(): void {
    void this.#connection.then((connection) => {
      if (!this.isOver) connection?.endCopyFrom()
    })
  }

  fail(): void {
    void this.#connection.then((connection) => {
      if (!this.isOver) connection?.sendCopyFail('the file could not be read')
    })
  }

  handleError(error: unknown): void {
    this.isOver = true
    this.#ready(null)
    this.#reject(error)
  }

  handleCommandComplete({ text }: { readonly text?: string }): void {
    this.#rows = Number(/^COPY (\d+)/.exec(text ?? '')?.[1] ?? 0)
  }

  handleReadyForQuery(): void {
    this.isOver = true
    this.#ready(null)
    this.#resolve(this.#rows)
  }
}
