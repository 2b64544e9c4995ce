import { type Cursor, DroverError, type Page, type Pouring, type RecordKey, type SourceReject } from '@drover/core'
import type { RedisType } from '../redis-record.js'
import { asBytes, asText, type Decoding, decodeValue } from './decode-value.js'
import { invalidUtf8 } from './invalid-utf8.js'
import type { JsonLines } from './json-lines.js'
import { expiryText, pourKeys } from './pour-keys.js'
import { noUtf8, refuse } from './refusals.js'
import type { StoredKey } from './stored-key.js'

/** What a page is made of. */
export interface RedisPageParts {
  readonly stored: readonly StoredKey[]
  /** What cannot be decoded whatever is asked for. */
  readonly rejected: readonly SourceReject[]
  readonly bytes: number
  readonly cursor: Cursor
  /** As text, or as bytes. */
  readonly decode: boolean
  /** Of the types that are read: they say how values are described. */
  readonly types: readonly RedisType[]
  /** Of the read that the page belongs to. */
  readonly lines: JsonLines
  /** For messages: `cache.example.org:6379/0`. */
  readonly where: string
}

/** A record as pages have it, whichever types and form were asked for. */
export type DecodedKey = {
  readonly key: string | Uint8Array
  readonly type: RedisType
  readonly value: unknown
  readonly expires_at: string | null
}

/** Keys as they came from the server, decoded when someone asks. */
export class RedisPage<R = DecodedKey> implements Page<R> {
  readonly count: number
  readonly bytes: number
  readonly cursor: Cursor
  #stored: readonly StoredKey[]
  /** Undefined until someone asks; null once it was told that nobody needs them any more. */
  #good: readonly StoredKey[] | null | undefined
  #rejected: readonly SourceReject[] | undefined
  #rows: readonly R[] | undefined
  #keys: readonly RecordKey[] | undefined

  private readonly parts: Omit<RedisPageParts, 'stored'>

  constructor({ stored, ...parts }: RedisPageParts) {
    this.parts = parts
    this.#stored = stored
    this.count = stored.length + parts.rejected.length
    this.bytes = parts.bytes
    this.cursor = parts.cursor
  }

  get rejected(): readonly SourceReject[] {
    if (this.#rejected === undefined) this.#sort()
    return this.#rejected as readonly SourceReject[]
  }

  rows(): readonly R[] {
    this.#rows ??= this.#readable.map((stored) => this.#decode(stored) as R)
    return this.#rows
  }

  keys(): readonly RecordKey[] {
    const { decode } = this.parts
    this.#keys ??= this.#readable.map(({ key }) => ({
      source: [decode ? key.toString() : key.toString('base64')],
      child: 0,
    }))
    return this.#keys
  }

  slice(from: number, to: number): RedisPage<R> {
    const good = this.#readable
    const start = Math.min(Math.max(from, 0), good.length)
    const stored = good.slice(start, Math.max(to, start))
    const bytes = stored.reduce((sum, { size }) => sum + size, 0)
    const page = new RedisPage<R>({ ...this.parts, stored, rejected: [], bytes })
    page.#good = stored
    page.#rejected = []
    return page
  }

  pour(pouring: Pouring): void {
    const { types } = this.parts
    const isOnlyStrings = types.length === 1 && types[0] === 'string'
    pourKeys(this.#readable, pouring, { decoding: this.#decoding, isOnlyStrings })
  }

  /** Bytes are written in forms that the sink decides on. */
  jsonLines(): Uint8Array | undefined {
    return this.parts.decode ? this.parts.lines.of(this.#readable) : undefined
  }

  /** While it is not read again its bytes stay: they are decoded again for whoever asks. */
  release(isReread = false): void {
    this.#rows = undefined
    this.#keys = undefined
    if (!isReread) return
    this.#rejected = this.rejected
    this.#good = null
  }

  get #decoding(): Decoding {
    return this.parts.decode ? asText : asBytes
  }

  #decode(stored: StoredKey): DecodedKey {
    const decoding = this.#decoding
    return {
      key: decoding(stored.key),
      type: stored.type,
      value: decodeValue(stored, decoding),
      expires_at: expiryText(stored.expiresAt),
    }
  }

  /** The keys that can be decoded. */
  get #readable(): readonly StoredKey[] {
    if (this.#good === undefined) this.#sort()
    if (this.#good) return this.#good
    throw new DroverError('PAGE_STALE', `${this.parts.where}: keys of a page were forgotten once the sink had them.`)
  }

  /** Tells the keys that are text from the others. */
  #sort(): void {
    const { rejected, decode } = this.parts
    const stored = this.#stored
    this.#stored = []
    const found = decode ? stored.map((one) => invalidUtf8(one)) : []
    if (found.every((one) => one === undefined)) {
      this.#good = stored
      this.#rejected = rejected
      return
    }
    this.#good = stored.filter((_, i) => found[i] === undefined)
    this.#rejected = [
      ...rejected,
      ...stored.flatMap(({ key, type }, i) => {
        const one = found[i]
        return one === undefined ? [] : [refuse(this.parts, key, noUtf8(type, one.what), one.bytes)]
      }),
    ]
  }
}
