import { DroverError, decodeJson, encodeJson, type JsonValue, type Warning } from '@drover/core'
import { answerError, strangerError } from '../errors/qdrant-error.js'
import { NoJson } from '../wire/json-bytes.js'
import { pointIdText } from '../wire/point-id.js'
import type { PointsBody } from '../wire/points-body.js'
import { ScrollPage } from '../wire/scroll-page.js'
import { type Answer, HttpLink, type Sending } from './http-link.js'
import type { Asking, QdrantConnection, Reading, ServerVersion, Writing } from './qdrant-connection.js'
import { type QdrantLocation, type ResolvedLocation, resolveLocation } from './qdrant-location.js'
import { askVersion } from './server-version.js'

/**
 * A connection to the server; nothing is sent before it is asked for something.
 *
 * @param where For messages: `qdrantSource`.
 * @param warn Told of a key that goes over a connection that others can listen to.
 * @throws `OPTION_INVALID`
 */
export function openQdrant(
  location: QdrantLocation,
  where: string,
  warn?: (warning: Warning) => void,
): QdrantConnection {
  const resolved = resolveLocation(where, location)
  const { name, isOpen, headers } = resolved
  if (isOpen && typeof headers !== 'function' && Object.keys(headers).length > 0) {
    warn?.({
      code: 'SECRET_EXPOSED',
      message: `${where}: the key for ${name} goes over plain http, where anybody on the way can read it: write https://.`,
    })
  }
  return new HttpConnection(resolved)
}

class HttpConnection implements QdrantConnection {
  readonly name: string
  readonly #prefix: string
  readonly #link: HttpLink

  constructor({ name, origin, prefix, headers, timeoutMs }: ResolvedLocation) {
    this.name = name
    this.#prefix = prefix
    this.#link = new HttpLink(origin, headers, timeoutMs)
  }

  greet(signal: AbortSignal): Promise<ServerVersion | undefined> {
    return askVersion(this.#link, { name: this.name, prefix: this.#prefix, signal })
  }

  async request(
    method: Sending['method'],
    path: string,
    body: JsonValue | Uint8Array | undefined,
    { signal, doing }: Asking,
  ): Promise<unknown> {
    const sent = body === undefined ? null : body instanceof Uint8Array ? body : encodeJson(body, { values: 'plain' })
    const answer = await this.#send({ method, path, body: sent, signal }, doing)
    return this.#resultOf(answer, doing)
  }

  async upsert(collection: string, points: PointsBody, { signal, shardKey, mode }: Writing): Promise<void> {
    const more =
      (shardKey === undefined ? '' : `,"shard_key":${JSON.stringify(shardKey)}`) +
      (mode === undefined ? '' : `,"update_mode":"${mode}"`)
    const doing = `writing ${points.count} points to collection "${collection}"`
    const path = `/collections/${encodeURIComponent(collection)}/points?wait=true`
    const answer = await this.#send({ method: 'PUT', path, body: points.finish(more), signal }, doing)
    const { status } = (this.#resultOf(answer, doing) ?? {}) as { readonly status?: unknown }
    if (status !== 'completed') {
      throw new DroverError(
        'STORE_BUSY',
        `Qdrant failed while ${doing} on ${this.name}: it says ${JSON.stringify(status)}, so that they may not be there yet.`,
        { isRetryable: true },
      )
    }
  }

  async scroll(collection: string, reading: Reading): Promise<ScrollPage> {
    const { signal, consistency, values = 'plain' } = reading
    const query = consistency === undefined ? '' : `?consistency=${consistency}`
    const doing = `reading collection "${collection}"`
    const path = `/collections/${encodeURIComponent(collection)}/points/scroll${query}`
    const answer = await this.#send({ method: 'POST', path, body: scrollBody(reading), signal }, doing)
    try {
      return new ScrollPage(answer.bytes, values)
    } catch (error) {
      if (error instanceof NoJson) throw strangerError(error.message, { doing: `${doing} on ${this.name}` })
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#link[Symbol.asyncDispose]()
  }

  async #send(sending: Sending, doing: string): Promise<Answer> {
    const place = { doing: `${doing} on ${this.name}` }
    const answer = await this.#link.send({ ...sending, path: this.#prefix + sending.path }, place.doing)
    if (answer.status >= 200 && answer.status < 300) return answer
    const [retryAfter, location] = [answer.header('retry-after'), answer.header('location')]
    throw answerError({ status: answer.status, text: answer.bytes.toString(), retryAfter, location }, place)
  }

  #resultOf({ bytes }: Answer, doing: string): unknown {
    const text = bytes.toString()
    const answer = parsed(text)
    if (typeof answer === 'object' && answer !== null && 'result' in answer) return answer.result
    throw strangerError(text, { doing: `${doing} on ${this.name}` })
  }
}

function parsed(text: string): unknown {
  try {
    return decodeJson(text, 'plain')
  } catch {
    return undefined
  }
}

function scrollBody({ offset, limit, filter, withPayload, withVector, shardKey }: Reading): string {
  const fields = [
    `"limit":${limit}`,
    `"with_payload":${JSON.stringify(withPayload)}`,
    `"with_vector":${JSON.stringify(withVector)}`,
    ...(offset === undefined ? [] : [`"offset":${pointIdText(offset)}`]),
    ...(filter === undefined ? [] : [`"filter":${encodeJson(filter, { values: 'plain' })}`]),
    ...(shardKey === undefined ? [] : [`"shard_key":${JSON.stringify(shardKey)}`]),
  ]
  return `{${fields.join(',')}}`
}
