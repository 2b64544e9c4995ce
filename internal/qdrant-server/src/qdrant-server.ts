import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Exchange } from './api-contract.js'
import { type FaultKind, type FaultOptions, Faults } from './fault.js'
import { Journal } from './journal.js'
import { type AnsweredRequest, RequestHandler } from './request-handler.js'

export interface QdrantServerOptions {
  /** What requests must bring as `api-key`, or as bearer token. */
  readonly apiKey?: string
  /** A key that reads only. */
  readonly readOnlyApiKey?: string
  /** @default 0, a free one */
  readonly port?: number
  readonly limits?: {
    /** Of a request's body, in bytes. @default 32 MiB */
    readonly body?: number
  }
  /** Folder that keeps what was acknowledged, for servers that are killed and started again. @default memory only */
  readonly data?: string
  /** How long an update without `wait` stays unseen, and building an index takes, in milliseconds. @default 20 */
  readonly delayMs?: number
  /** Points that are sent are read and forgotten: for measurements of what sends them. @default false */
  readonly readsOnly?: boolean
  /** Called with every request that it answered as it is. */
  readonly observe?: (exchange: Exchange) => void
}

export interface QdrantServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** The requests that it answered, or met with a fault, the last 10,000 of them. */
  readonly requests: readonly AnsweredRequest[]
  /** Requests to come meet this fault. */
  fault(kind: FaultKind, options?: FaultOptions): void
  clearFaults(): void
}

/** Starts a server on a port of this machine's own address. Storage semantics of Qdrant in this process: it is no Qdrant. */
export async function startQdrantServer(options: QdrantServerOptions = {}): Promise<QdrantServer> {
  const journal = options.data === undefined ? null : Journal.open(options.data)
  const faults = new Faults()
  const handler = new RequestHandler(options, faults, journal)
  const server = createServer((request, response) => void handler.handle(request, response))
  server.keepAliveTimeout = 30_000
  await new Promise<void>((done, failed) => {
    server.once('error', failed).listen(options.port ?? 0, '127.0.0.1', done)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests: handler.requests,
    fault: (kind, faultOptions = {}) => faults.add(kind, faultOptions),
    clearFaults: () => faults.clear(),
    [Symbol.asyncDispose]: async () => {
      await new Promise<void>((done) => {
        server.close(() => done())
        server.closeAllConnections()
      })
      journal?.[Symbol.dispose]()
    },
  }
}
