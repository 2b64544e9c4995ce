import { checkText, checkWholeNumber, DroverError } from '@drover/core'
import { type Address, parseUrl } from './connection-url.js'
import { clientAddress, clientHeaders, type QdrantClientLike } from './given-client.js'

/** Where the collections are. */
export interface QdrantLocation {
  /**
   * `http://host:6333`, with a path if Qdrant stands behind one, and with user and password if a proxy asks for them. Without a port it is 6333,
   * as for Qdrant's own clients, also with `https`.
   *
   * @default the variable QDRANT_URL, else `http://localhost:6333`
   */
  readonly url?: string | undefined
  /** A key or token; over plain `http` to another machine anybody on the way can read it, and the run says so. @default the variable QDRANT_API_KEY */
  readonly apiKey?: string | undefined
  /**
   * A client of the application (`@qdrant/js-client-rest`) instead of `url` and `apiKey`. Drover takes its address and headers and makes connections of its
   * own, which it closes; the client is neither changed nor used to send anything.
   */
  readonly client?: QdrantClientLike | undefined
  /** Milliseconds that one request may take. @default 60_000 */
  readonly timeoutMs?: number | undefined
}

export const locationOptions = ['url', 'apiKey', 'client', 'timeoutMs'] as const

/** What the options stand for. */
export interface ResolvedLocation {
  /** `host:port/prefix` for messages. */
  readonly name: string
  readonly origin: string
  /** Without a slash at its end. */
  readonly prefix: string
  /** Of a client they are known only once it was asked. */
  readonly headers: Headers | (() => Promise<Headers>)
  readonly timeoutMs: number
  /** The way to the server can be listened to. */
  readonly isOpen: boolean
}

export type Headers = Readonly<Record<string, string>>

/**
 * Refuses a location that is none, without connecting: what a factory calls.
 *
 * @throws `OPTION_INVALID`
 */
export function checkLocation(where: string, options: QdrantLocation): void {
  resolveLocation(where, options)
}

/** The server as messages and run names show it: `vectors.example.org:6333`, without user, password and key. */
export function locationName(options: QdrantLocation): string {
  return resolveLocation('connection', options).name
}

/**
 * Finds out where the server is.
 *
 * @throws `OPTION_INVALID`
 */
export function resolveLocation(where: string, { url, apiKey, client, timeoutMs }: QdrantLocation): ResolvedLocation {
  checkWholeNumber(where, 'timeoutMs', timeoutMs, 1)
  if (client !== undefined) {
    if (url !== undefined || apiKey !== undefined) {
      throw new DroverError('OPTION_INVALID', `${where}: give either client, or url and apiKey: a client has them.`)
    }
    return resolved(clientAddress(where, client), () => clientHeaders(where, client), timeoutMs)
  }
  if (url !== undefined) checkText(where, 'url', url)
  if (apiKey !== undefined) checkText(where, 'apiKey', apiKey)
  const stated = process.env.QDRANT_URL || undefined
  const address = parseUrl(where, url === undefined ? 'QDRANT_URL' : 'url', url ?? stated ?? 'http://localhost:6333')
  return resolved(address, headersOf(where, address, apiKey ?? process.env.QDRANT_API_KEY), timeoutMs)
}

function resolved(
  { scheme, host, port, prefix }: Address,
  headers: ResolvedLocation['headers'],
  timeoutMs = 60_000,
): ResolvedLocation {
  return {
    name: `${host}:${port}${prefix}`,
    origin: `${scheme}://${host}:${port}`,
    prefix,
    headers,
    timeoutMs,
    isOpen: scheme === 'http' && !/^(?:localhost|.*\.localhost|127\.[\d.]+|\[::1\])$/.test(host),
  }
}

function headersOf(where: string, { user, password }: Address, apiKey: string | undefined): Headers {
  const headers: Record<string, string> = {}
  if (user !== undefined || password !== undefined) {
    headers.authorization = `Basic ${Buffer.from(`${user ?? ''}:${password ?? ''}`).toString('base64')}`
  }
  if (apiKey) {
    // Such as a line break at the end of a file: it would break the request.
    if (!/^[\x21-\x7e]+$/.test(apiKey)) {
      throw new DroverError(
        'OPTION_INVALID',
        `${where}: apiKey holds a blank, a line break or a character that no header may hold.`,
      )
    }
    headers['api-key'] = apiKey
  }
  return headers
}
