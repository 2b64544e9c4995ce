import { connect, createServer, type Server, type Socket } from 'node:net'

/** What is done to a connection. */
export interface Cut {
  /** Whether it is this request: all that the client has sent since it got its last answer. */
  readonly of: (request: Buffer) => boolean
  /** The server never gets the request; or the client never gets the answer, or only so many bytes of it. */
  readonly lose: 'request' | 'answer' | { readonly answerAfter: number }
}

/** A server. */
export interface Target {
  readonly host: string
  readonly port: number
}

/** Stands between a client and a server, passes on what they say, and cuts their connection where a test wants it cut. */
export class CuttingProxy implements AsyncDisposable {
  /** Connections that were cut. */
  cuts = 0
  /** What the server answered, for a test that wants to look. */
  onAnswer: (answer: Buffer) => void = () => {}
  /** Where connections go that are made from now on. */
  target: Target
  #next: Cut | undefined
  readonly #open = new Set<Socket>()

  private constructor(
    private readonly server: Server,
    target: Target,
  ) {
    this.target = target
    server.on('connection', (client) => this.#pass(client))
  }

  static async start(target: Target): Promise<CuttingProxy> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new CuttingProxy(server, target)
  }

  get port(): number {
    const address = this.server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** Cuts the connection of the next such request. */
  cutNext(cut: Cut): void {
    this.#next = cut
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#open) socket.destroy()
    await new Promise((resolve) => this.server.close(resolve))
  }

  #pass(client: Socket): void {
    const server = connect(this.target)
    let request = Buffer.alloc(0)
    let cut: Cut | undefined
    let answered = 0
    const end = (): void => {
      for (const socket of [client, server]) {
        socket.destroy()
        this.#open.delete(socket)
      }
    }
    for (const socket of [client, server]) {
      this.#open.add(socket)
      socket.setNoDelay(true)
      socket.on('error', end)
      socket.on('close', end)
    }
    client.on('data', (data: Buffer) => {
      request = Buffer.concat([request, data])
      if (cut === undefined && this.#next?.of(request)) {
        cut = this.#next
        this.#next = undefined
        this.cuts++
      }
      if (cut?.lose === 'request') return end()
      server.write(data)
    })
    server.on('data', (data: Buffer) => {
      this.onAnswer(data)
      if (cut === undefined) {
        request = Buffer.alloc(0)
        client.write(data)
        return
      }
      const most = typeof cut.lose === 'object' ? cut.lose.answerAfter : 0
      const passed = data.subarray(0, Math.max(0, most - answered))
      answered += data.length
      if (answered < most) client.write(passed)
      else client.write(passed, end)
    })
  }
}
