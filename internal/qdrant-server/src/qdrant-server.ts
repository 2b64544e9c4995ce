import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { JsonError, JsonScanner } from './json-scanner.js'
import { JsonWriter } from './json-writer.js'
import { badBody, Refusal } from './refusal.js'
import { findRoute } from './routes.js'
import { serverVersion } from './service-routes.js'
import { Store } from './store.js'

export interface QdrantServerOptions {
  /** What requests must bring as `api-key`, or as bearer token. */
  readonly apiKey?: string
  /** @default 0, a free one */
  readonly port?: number
  readonly limits?: {
    /** Of a request's body, in bytes. @default 32 MiB */
    readonly body?: number
  }
}

export interface QdrantServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
}

const json = { 'content-type': 'application/json' }

/** Starts the server on this machine's own address. */
export async function startQdrantServer(options: QdrantServerOptions = {}): Promise<QdrantServer> {
  const store = new Store()
  const server = createServer((request, response) => {
    void answer(request, response, store, options)
  })
  server.keepAliveTimeout = 30_000
  await new Promise<void>((done, failed) => {
    server.once('error', failed).listen(options.port ?? 0, '127.0.0.1', done)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  store: Store,
  options: QdrantServerOptions,
): Promise<void> {
  const started = performance.now()
  const send = (status: number, headers: Record<string, string>, body: Buffer | string): void => {
    response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
  }
  const body = await readBody(request)
  if (body === undefined) return
  const time = (): number => (performance.now() - started) / 1000
  const url = new URL(request.url ?? '/', 'http://server')
  try {
    if (url.pathname === '/') {
      send(200, json, JSON.stringify({ title: 'qdrant - vector search engine', version: serverVersion, commit: null }))
      return
    }
    if (['/healthz', '/readyz', '/livez'].includes(url.pathname)) {
      send(200, { 'content-type': 'text/plain' }, 'healthz check passed')
      return
    }
    if (!isAllowed(request, options)) {
      send(401, { 'content-type': 'text/plain' }, 'Must provide an API key or an Authorization bearer token')
      return
    }
    const limit = options.limits?.body ?? 32 * 1024 * 1024
    if (body.length > limit) {
      throw new Refusal(
        400,
        `Payload error: JSON payload (${body.length} bytes) is larger than allowed (limit: ${limit} bytes).`,
      )
    }
    const route = findRoute(request.method ?? '', url.pathname)
    if (typeof route !== 'object') {
      send(route === 'method' ? 405 : 404, {}, '')
      return
    }
    const writer = new JsonWriter().raw('{"result":')
    const call = { store, params: route.params, query: url.searchParams, body: new JsonScanner(body) }
    route.handler(call, writer)
    send(200, json, writer.raw(`,"status":"ok","time":${time()}}`).bytes)
  } catch (error) {
    const refusal = error instanceof JsonError ? badBody(error.message) : error
    const status = refusal instanceof Refusal ? refusal.status : 500
    const message = refusal instanceof Refusal ? refusal.message : `Service internal error: ${String(error)}`
    send(status, json, JSON.stringify({ status: { error: message }, time: time() }))
  }
}

function isAllowed(request: IncomingMessage, { apiKey }: QdrantServerOptions): boolean {
  return (
    apiKey === undefined ||
    request.headers['api-key'] === apiKey ||
    request.headers.authorization === `Bearer ${apiKey}`
  )
}

/** Undefined if the client went away meanwhile. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer)
  } catch {
    return undefined
  }
  return Buffer.concat(chunks)
}
