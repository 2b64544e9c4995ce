import { hash } from 'node:crypto'

const firstRoom = 65_536

/**
 * Which keys there are, and which of them were met, in nine bytes each. Keys are known by 52 bits of a hash: two of four million are the same
 * once in a thousand times, and then one row stays that might go.
 */
export class KnownKeys {
  #hashes = new Float64Array(firstRoom)
  #met = new Uint8Array(0)
  #size = 0
  /** Keys that were met, of those that are known. */
  matched = 0

  static hashOf(key: string): number {
    const bytes = hash('sha1', key, 'buffer')
    return bytes.readUInt32LE(0) * 2 ** 20 + (bytes.readUInt32LE(4) & 0xfffff)
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

  meet(hash: number): void {
    const at = this.#placeOf(hash)
    if (at < 0 || this.#met[at] === 1) return
    this.#met[at] = 1
    this.matched++
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
