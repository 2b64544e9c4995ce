import { checkWholeNumber, DroverError } from '@drover/core'

/** Where the collections are. */
export interface QdrantLocation {
  /**
   * `http://host:6333`, with a path if Qdrant stands behind one, and with user and password if a proxy asks for them. Without a port it is 6333,
   * as for Qdrant's own clients.
   *
   * @default the variable QDRANT_URL, else `http://localhost:6333`
   */
  readonly url?: string | undefined
  /** @default the variable QDRANT_API_KEY */
  readonly apiKey?: string | undefined
  /**
   * A client of the application (`@qdrant/js-client-rest`) instead of `url` and `apiKey`. Drover takes its address and headers and makes connections of its
   * own, which it closes; the client is not changed.
   */
  readonly client?: QdrantClientLike | undefined
  /** Milliseconds that one request may take. @default 60_000 */
  readonly timeoutMs?: number | undefined
}

/** As much of the client as is used: `QdrantClient` of `@qdrant/js-client-rest` fits, of any copy of the package. */
export interface QdrantClientLike {
  api(): unknown
}

export const locationOptions = ['url', 'apiKey', 'client', 'timeoutMs'] as const

/** What the options stand for. */
export interface ResolvedLocation {
  /** `host:port/prefix` for messages. */
  readonly name: string
  readonly origin: string
  /** Without a slash at its end. */
  readonly prefix: string
  readonly headers: Readonly<Record<string, string>>
  readonly timeoutMs: number
  /** A key that anybody on the way can read. */
  readonly isKeyExposed: boolean
}

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

/** @throws `OPTION_INVALID` */
export function resolveLocation(where: string, { url, apiKey, timeoutMs }: QdrantLocation): ResolvedLocation {
  checkWholeNumber(where, 'timeoutMs', timeoutMs, 1)
  const text = url ?? (process.env.QDRANT_URL || 'http://localhost:6333')
  if (!URL.canParse(text)) throw new DroverError('OPTION_INVALID', `${where}: url is no URL.`)
  const parsed = new URL(text)
  const key = apiKey ?? process.env.QDRANT_API_KEY
  const port = parsed.port === '' ? '6333' : parsed.port
  const prefix = parsed.pathname.replace(/\/+$/, '')
  return {
    name: `${parsed.hostname}:${port}${prefix}`,
    origin: `${parsed.protocol}//${parsed.hostname}:${port}`,
    prefix,
    headers: key ? { 'api-key': key } : {},
    timeoutMs: timeoutMs ?? 60_000,
    isKeyExposed: Boolean(key) && parsed.protocol === 'http:',
  }
}
