import { hash } from 'node:crypto'

const firstRoom = 1_024
/** As many passes can be told apart. */
export const likenesses = 2 ** 20

/**
 * Which keys there are, and which of them were met, in nine bytes each. Keys are known by 52 bits of a hash: two of four million are the same
 * once in a thousand times, and then one row stays that might go.
 */
export class KnownKeys {
  #hashes = new Float64Array(0)
  #met = new Uint8Array(0)
  #size = 0
  /** Keys that were met, of those that are known. */
  matched = 0

  /** Keys that are like each other have the same place among the passes. */
  static hashOf(key: string, like = key): number {
    const own = hash('sha1', key, 'buffer')
    const shared = like === key ? own : hash('sha1', like, 'buffer')
    return (shared.readUInt32LE(4) & (likenesses - 1)) * 2 ** 32 + own.readUInt32LE(0)
  }

  /** Which of so many passes looks at a key. */
  static passOf(hash: number, passes: number): number {
    return Math.floor(hash / 2 ** 32) % passes
  }

  get size(): number {
    return this.#size
  }

  add(hash: number): void {
    if (this.#size === this.#hashes.length) {
      const larger = new Float64Array(Math.max(firstRoom, this.#size * 2))
      larger.set(this.#hashes)
      this.#hashes = larger
    }
    this.#hashes[this.#size++] = hash
  }

  /** Forgets all others. */
  keep(isKept: (hash: number) => boolean): void {
    this.#hashes = this.#hashes.subarray(0, this.#size).filter(isKept)
    this.#size = this.#hashes.length
  }

  /** No more keys come: from here on they can be met. */
  close(): void {
    this.#hashes = this.#hashes.subarray(0, this.#size).sort()
    this.#met = new Uint8Array(this.#size)
  }

  /** False if it is not known. */
  meet(hash: number): boolean {
    const at = this.#placeOf(hash)
    if (at < 0) return false
    if (this.#met[at] === 0) this.matched++
    this.#met[at] = 1
    return true
  }

  /** Undefined if it is not known. */
  wasMet(hash: number): boolean | undefined {
    const at = this.#placeOf(hash)
    return at < 0 ? undefined : this.#met[at] === 1
  }

  /** The first of the same ones. */
  #placeOf(hash: number): number {
    let low = 0
    let high = this.#size
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#hashes[middle] as number) < hash) low = middle + 1
      else high = middle
    }
    return low < this.#size && this.#hashes[low] === hash ? low : -1
  }
}
