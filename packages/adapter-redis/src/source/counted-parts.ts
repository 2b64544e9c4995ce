import { compareKeys, hashKey } from './index/key-hash.js'
import type { KeyRange } from './index/key-range.js'

/** From a hash, or from behind a key, to a key that belongs to it; null is nothing yet. */
interface Part {
  readonly hash: number
  readonly after: Uint8Array | null
  to: Uint8Array | null
}

/** One read. */
export interface CountedPart {
  /** Whether no read has come by this key before. */
  isNew(key: Uint8Array): boolean
  /** All keys up to this one were given. */
  reached(key: Uint8Array): void
}

/**
 * How far the reads of a session came, so that what there is to say of a key is counted once: the first page may be read to know what records are
 * like, and a read that is closed goes on behind the last page that was used.
 */
export class CountedParts {
  /** By the slots that are read. */
  readonly #parts = new Map<string, Part[]>()

  begin({ slots, hashes: [hash], after }: KeyRange): CountedPart {
    const name = JSON.stringify(slots)
    const parts = this.#parts.get(name) ?? []
    this.#parts.set(name, parts)
    const own = parts.find((one) => continues(one, hash, after)) ?? { hash, after, to: null }
    if (!parts.includes(own)) parts.push(own)
    return {
      isNew: (key) => !parts.some((one) => holds(one, key)),
      reached: (key) => {
        if (own.to === null || compareKeys(own.to, key) < 0) own.to = key
      },
    }
  }
}

/** Whether a read from there leaves nothing out between it and the part. */
function continues(part: Part, hash: number, after: Uint8Array | null): boolean {
  return after === null ? part.after === null && part.hash === hash : holds(part, after)
}

function holds({ hash, after, to }: Part, key: Uint8Array): boolean {
  if (to === null || compareKeys(key, to) > 0) return false
  return after === null ? hashKey(key) >= hash : compareKeys(key, after) > 0
}
