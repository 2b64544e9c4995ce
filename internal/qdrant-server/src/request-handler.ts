import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Fault, Faults } from './fault.js'
import type { Journal } from './journal.js'
import { JsonError, JsonScanner } from './json-scanner.js'
import { JsonWriter } from './json-writer.js'
import type { QdrantServerOptions } from './qdrant-server.js'
import { badBody, Refusal } from './refusal.js'
import { changes, findRoute } from './routes.js'
import { serverVersion } from './service-routes.js'
import { Store } from './store.js'

export interface AnsweredRequest {
  readonly method: string
  readonly path: string
  readonly query: string
  /** Of the body. */
  readonly bytes: number
  /** Null where it got no answer. */
  readonly status: number | null
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | string
}

const json = { 'content-type': 'application/json' }
const text = { 'content-type': 'text/plain; charset=utf-8' }
const openPaths = ['/', '/healthz', '/readyz', '/livez']
const keptRequests = 10_000

/** Answers one request after the other. */
export class RequestHandler {
  readonly requests: AnsweredRequest[] = []
  readonly #store: Store

  constructor(
    private readonly options: QdrantServerOptions,
    private readonly faults: Faults,
    private readonly journal: Journal | null,
  ) {
    this.#store = new Store(options.delayMs ?? 20)
    for (const { method, url, body } of journal?.entries ?? []) this.#replay(method, url, body)
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '/' } = request
    const { pathname: path, searchParams: query } = new URL(url, 'http://server')
    const fault = this.faults.meeting(method, path)
    if (fault?.kind === 'cut') {
      this.#note({ method, path, query: String(query), bytes: 0, status: null })
      request.socket.destroy()
      return
    }
    const body = await readBody(request, this.options.readsOnly === true && isUpsert(method, path))
    if (body === undefined) return
    const isDone = fault === undefined || fault.kind === 'cut-after' || fault.kind === 'cut-answer'
    const answer = isDone ? this.#answer(request, method, url, path, query, body) : faultAnswer(fault)
    const status = fault === undefined || typeof fault.kind === 'number' ? (answer?.status ?? null) : null
    this.#note({ method, path, query: String(query), bytes: body.length, status })
    if (answer !== null && isDone) {
      this.options.observe?.({ method, path, query, request: body, status: answer.status, answer: answer.body })
    }
    send(response, answer, fault)
  }

  #answer(
    request: IncomingMessage,
    method: string,
    url: string,
    path: string,
    query: URLSearchParams,
    body: Buffer,
  ): Answer {
    if (path === '/') return root
    if (openPaths.includes(path)) return { status: 200, headers: text, body: 'healthz check passed' }
    const started = performance.now()
    try {
      const denied = this.#denial(request, method, path)
      if (denied !== null) return denied
      this.#checkSize(body)
      if (this.options.readsOnly && isUpsert(method, path)) return { status: 200, headers: json, body: forgotten }
      const route = findRoute(method, path)
      if (typeof route !== 'object') return { status: route === 'method' ? 405 : 404, headers: {}, body: '' }
      if (changes(method, path)) this.journal?.add({ method, url, body })
      const writer = new JsonWriter().raw('{"result":')
      route.handler({ store: this.#store, params: route.params, query, body: new JsonScanner(body) }, writer)
      return { status: 200, headers: json, body: writer.raw(`,"status":"ok","time":${seconds(started)}}`).bytes }
    } catch (error) {
      return refused(error, seconds(started))
    }
  }

  /** What was refused then is refused again. */
  #replay(method: string, url: string, body: Buffer): void {
    const { pathname, searchParams } = new URL(url, 'http://server')
    const route = findRoute(method, pathname)
    if (typeof route !== 'object') return
    searchParams.set('wait', 'true')
    const call = { store: this.#store, params: route.params, query: searchParams, body: new JsonScanner(body) }
    try {
      route.handler(call, new JsonWriter())
    } catch (error) {
      if (!(error instanceof Refusal) && !(error instanceof JsonError)) throw error
    }
  }

  #denial(request: IncomingMessage, method: string, path: string): Answer | null {
    const { apiKey, readOnlyApiKey } = this.options
    if (apiKey === undefined && readOnlyApiKey === undefined) return null
    const bearer = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1]
    const key = request.headers['api-key'] ?? bearer
    if (key === undefined) {
      return { status: 401, headers: text, body: 'Must provide an API key or an Authorization bearer token' }
    }
    if (key === apiKey) return null
    if (key !== readOnlyApiKey) return { status: 401, headers: text, body: 'Invalid API key or JWT' }
    if (changes(method, path)) throw new Refusal(403, 'Forbidden: Global manage access is required')
    return null
  }

  /** The real one answers 400 here, not 413. */
  #checkSize(body: Buffer): void {
    const limit = this.options.limits?.body ?? 32 * 1024 * 1024
    if (body.length <= limit) return
    const sizes = `JSON payload (${body.length} bytes) is larger than allowed (limit: ${limit} bytes)`
    throw new Refusal(400, `Payload error: ${sizes}.`)
  }

  #note(request: AnsweredRequest): void {
    if (this.requests.length === keptRequests) this.requests.shift()
    this.requests.push(request)
  }
}

const root: Answer = {
  status: 200,
  headers: json,
  body: JSON.stringify({ title: 'qdrant - vector search engine', version: serverVersion, commit: null }),
}

const forgotten = '{"result":{"operation_id":0,"status":"completed"},"status":"ok","time":0.0}'

function isUpsert(method: string, path: string): boolean {
  return method === 'PUT' && path.endsWith('/points')
}

function refused(error: unknown, time: number): Answer {
  const refusal = error instanceof JsonError ? badBody(error.message) : error
  const status = refusal instanceof Refusal ? refusal.status : 500
  const message = refusal instanceof Refusal ? refusal.message : `Service internal error: ${String(error)}`
  return { status, headers: json, body: JSON.stringify({ status: { error: message }, time }) }
}

function faultAnswer({ kind, message, retryAfter }: Fault): Answer | null {
  if (typeof kind !== 'number') return null
  const headers = retryAfter === null ? json : { ...json, 'retry-after': String(retryAfter) }
  return { status: kind, headers, body: JSON.stringify({ status: { error: message }, time: 0 }) }
}

function send(response: ServerResponse, answer: Answer | null, fault: Fault | undefined): void {
  if (fault?.kind === 'cut-after') response.socket?.destroy()
  else if (answer !== null) {
    const { status, headers, body } = answer
    response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
    if (fault?.kind === 'cut-answer') {
      const bytes = Buffer.from(body)
      response.write(bytes.subarray(0, bytes.length >> 1), () => response.socket?.destroy())
    } else response.end(body)
  }
}

function seconds(started: number): number {
  return (performance.now() - started) / 1000
}

/** Undefined if the client went away meanwhile. */
async function readBody(request: IncomingMessage, isForgotten: boolean): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of request) if (!isForgotten) chunks.push(chunk as Buffer)
  } catch {
    return undefined
  }
  return Buffer.concat(chunks)
}
