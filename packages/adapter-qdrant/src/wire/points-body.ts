import { encodeJson, type JsonValues } from '@drover/core'
import type { WirePoint } from './wire-point.js'

/**
 * The points of one request, as the bytes that are sent. Made once and used again: `clear` keeps the memory, so whoever has several
 * requests in flight keeps as many bodies.
 */
export class PointsBody {
  #points: string[] = []
  #bytes = 0

  /** @param values What becomes of values in payloads that JSON has no form for: see core's `encodeJson`. */
  constructor(readonly values: JsonValues = 'extended') {}

  /** Bytes of the request so far. */
  get bytes(): number {
    return this.#bytes
  }

  get count(): number {
    return this.#points.length
  }

  /**
   * Adds a point.
   *
   * @throws ValueRefused with what is wrong with it: then the body is as it was before
   */
  add(point: WirePoint): void {
    const { id, payload, vector, vectors } = point
    const one = encodeJson(
      {
        id,
        payload,
        vector: vectors === null ? (vector ?? {}) : vector === null ? vectors : { '': vector, ...vectors },
      },
      { values: this.values },
    )
    this.#points.push(one)
    this.#bytes += one.length + 1
  }

  clear(): void {
    this.#points = []
    this.#bytes = 0
  }

  /** The bytes of the request; valid until the next call of any other method. */
  finish(more = ''): Uint8Array {
    return Buffer.from(`{"points":[${this.#points.join(',')}]${more}}`)
  }
}
