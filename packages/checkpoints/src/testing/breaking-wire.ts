import type { AddressInfo } from 'node:net'
import { createServer, connect as openSocket, type Server, type Socket } from 'node:net'

/** A way to a server that can be broken off in the middle of what is sent, as a process breaks off that is killed. */
export class BreakingWire implements AsyncDisposable {
  /** Bytes that were sent to the server. */
  sent = 0
  #breaksAt = Number.POSITIVE_INFINITY
  readonly #sockets = new Set<Socket>()

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  /** @param url Of the server: the wire's differs from it in host and port. */
  static async to(url: string): Promise<BreakingWire> {
    const there = new URL(url)
    const server = createServer({ allowHalfOpen: true })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const here = new URL(url)
    here.hostname = '127.0.0.1'
    here.port = String((server.address() as AddressInfo).port)
    const wire = new BreakingWire(server, here.href.replace(/\/$/, ''))
    server.on('connection', (client) => wire.#join(client, openSocket(Number(there.port), there.hostname)))
    return wire
  }

  /** Once, after so many more bytes: the server gets them and nothing behind them, and nobody gets its answer. What is connected later is not broken. */
  breakAfter(bytes: number): void {
    this.#breaksAt = this.sent + bytes
  }

  get isBroken(): boolean {
    return this.sent >= this.#breaksAt
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.server.close(resolve))
  }

  #join(client: Socket, upstream: Socket): void {
    let isOpen = true
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket)
      socket.on('error', () => {}) // the other end is told by the end of its own
      socket.on('close', () => {
        isOpen = false
        this.#sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    client.on('data', (chunk) => {
      if (!isOpen) return
      const left = this.#breaksAt - this.sent
      this.sent += chunk.length
      if (left <= 0 || chunk.length < left) upstream.write(chunk)
      else {
        isOpen = false
        upstream.end(chunk.subarray(0, left), () => client.destroy())
      }
    })
    client.on('end', () => upstream.end())
    upstream.on('data', (chunk) => isOpen && client.write(chunk))
    upstream.on('end', () => client.end())
  }
}
