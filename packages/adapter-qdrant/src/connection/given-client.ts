import { DroverError } from '@drover/core'
import { type Address, parseUrl } from './connection-url.js'

/** As much of a client as is looked at: `QdrantClient` of `@qdrant/js-client-rest` fits, of any copy of the package. */
export interface QdrantClientLike {
  api(): object
}

/**
 * The address that a client asks. It is a field that the types of the client call private; there is no other way to learn it before
 * something is sent.
 *
 * @throws `OPTION_INVALID`
 */
export function clientAddress(where: string, client: QdrantClientLike): Address {
  const { _restUri: uri } = client as { readonly _restUri?: unknown }
  if (typeof client.api !== 'function' || typeof uri !== 'string') {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: client is no QdrantClient of @qdrant/js-client-rest that Drover knows: give url and apiKey instead.`,
    )
  }
  return parseUrl(where, 'the address of client', uri)
}

/** What Drover sets itself, and what concerns a connection. */
const own = /^(?:accept.*|connection|content-.*|host|keep-alive|sec-.*|transfer-encoding|user-agent)$/i

/**
 * The headers that a client sends with each request: its key, and what the application gave it. The client keeps them to itself, so it is asked for the
 * version of the server through a dispatcher that notes the request and does not send it.
 *
 * @throws `OPTION_INVALID`
 */
export async function clientHeaders(where: string, client: QdrantClientLike): Promise<Record<string, string>> {
  const { root } = client.api() as { readonly root?: (params: object, init: object) => Promise<unknown> }
  const noting = new NotingDispatcher()
  await root?.({}, { dispatcher: noting }).catch(() => {}) // it cannot but fail
  if (noting.headers === undefined) {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: the headers of client cannot be learned: give url and apiKey instead.`,
    )
  }
  return Object.fromEntries(headerEntries(noting.headers).filter(([name]) => !own.test(name)))
}

/** What undici calls to send a request, as much of it as is needed to refuse. */
class NotingDispatcher {
  headers: unknown

  dispatch({ headers }: { readonly headers?: unknown }, handler: Handler): boolean {
    this.headers = headers ?? {}
    const error = new Error('the request was only looked at')
    if (handler.onResponseError) handler.onResponseError(undefined, error)
    else handler.onError?.(error)
    return true
  }
}

/** Of undici since version 7, and before. */
interface Handler {
  onResponseError?(controller: unknown, error: Error): void
  onError?(error: Error): void
}

/** As an object, as pairs, or as a flat list. */
function headerEntries(headers: unknown): [string, string][] {
  if (Array.isArray(headers)) {
    return typeof headers[0] === 'string'
      ? headers.flatMap((name, i) => (i % 2 === 0 ? [[String(name), String(headers[i + 1])] as [string, string]] : []))
      : headers.map(([name, value]) => [String(name), String(value)])
  }
  return Object.entries(headers as Record<string, unknown>).map(([name, value]) => [name, String(value)])
}
