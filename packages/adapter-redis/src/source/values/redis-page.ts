import type { Cursor, Page, Pouring, RecordKey, SourceReject } from '@drover/core'
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
  #sorted: { readonly good: readonly StoredKey[]; readonly rejected: readonly SourceReject[] } | undefined
  #rows: readonly R[] | undefined
  #keys: readonly RecordKey[] | undefined

  constructor(private readonly parts: RedisPageParts) {
    this.count = parts.stored.length + parts.rejected.length
    this.bytes = parts.bytes
    this.cursor = parts.cursor
  }

  get rejected(): readonly SourceReject[] {
    return this.#sort().rejected
  }

  rows(): readonly R[] {
    this.#rows ??= this.#sort().good.map((stored) => this.#decode(stored) as R)
    return this.#rows
  }

  keys(): readonly RecordKey[] {
    const { decode } = this.parts
    this.#keys ??= this.#sort().good.map(({ key }) => ({
      source: [decode ? key.toString() : key.toString('base64')],
      child: 0,
    }))
    return this.#keys
  }

  slice(from: number, to: number): RedisPage<R> {
    const { good } = this.#sort()
    const start = Math.min(Math.max(from, 0), good.length)
    const stored = good.slice(start, Math.max(to, start))
    const bytes = stored.reduce((sum, { size }) => sum + size, 0)
    const page = new RedisPage<R>({ ...this.parts, stored, rejected: [], bytes })
    page.#sorted = { good: stored, rejected: [] }
    return page
  }

  pour(pouring: Pouring): void {
    const { types } = this.parts
    const isOnlyStrings = types.length === 1 && types[0] === 'string'
    pourKeys(this.#sort().good, pouring, { decoding: this.#decoding, isOnlyStrings })
  }

  /** Bytes are written in forms that the sink decides on. */
  jsonLines(): Uint8Array | undefined {
    return this.parts.decode ? this.parts.lines.of(this.#sort().good) : undefined
  }

  /** Its bytes stay: they are decoded again for whoever asks. */
  release(): void {
    this.#rows = undefined
    this.#keys = undefined
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

  /** Tells the keys that are text from the others. */
  #sort() {
    const { stored, rejected, decode } = this.parts
    if (this.#sorted !== undefined) return this.#sorted
    const good: StoredKey[] = []
    const bad: SourceReject[] = []
    if (decode) {
      for (const one of stored) {
        const found = invalidUtf8(one)
        if (found === undefined) good.push(one)
        else bad.push(refuse(this.parts, one.key, noUtf8(one.type, found.what), found.bytes))
      }
    }
    this.#sorted = bad.length === 0 ? { good: stored, rejected } : { good, rejected: [...rejected, ...bad] }
    return this.#sorted
  }
}
