import { hash } from 'node:crypto'

/** What an entry takes beside its vector. */
const overhead = 150

/** Vectors of texts that were embedded lately, as many as there is room for. */
export class VectorCache {
  readonly #vectors = new Map<string, Float32Array>()
  #left: number

  constructor(bytes: number) {
    this.#left = bytes
  }

  static keyOf(text: string): string {
    return hash('sha256', text, 'base64')
  }

  get(key: string): Float32Array | undefined {
    const vector = this.#vectors.get(key)
    if (vector === undefined) return undefined
    // The one that was asked for last goes last.
    this.#vectors.delete(key)
    this.#vectors.set(key, vector)
    return vector
  }

  set(key: string, vector: Float32Array): void {
    if (this.#vectors.has(key)) return
    this.#vectors.set(key, vector)
    this.#left -= vector.byteLength + overhead
    for (const [oldest, { byteLength }] of this.#vectors) {
      if (this.#left >= 0) return
      this.#vectors.delete(oldest)
      this.#left += byteLength + overhead
    }
  }
}
