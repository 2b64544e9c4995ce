import { headerBytes } from './layout.js'

/** So many keys are sorted as numbers of 53 bits: the hash, and which key it is. */
const mostByNumber = 2 ** 21

/** Keys with the same hashes in every group of buckets: sorted in memory that is used again. */
export class SortedKeys {
  #starts = new Uint32Array(1024)
  #ends = new Uint32Array(1024)
  #places = new Float64Array(1024)
  #order = new Uint32Array(1024)
  #bytes: Buffer = Buffer.alloc(0)
  /** How many different keys there are. */
  count = 0

  constructor(private readonly byNumber = mostByNumber) {}

  /** Takes keys as they are laid out, in any order; what they are read from must stay. */
  load(bytes: Buffer): void {
    this.#bytes = bytes
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    let keys = 0
    for (let at = 0; at < bytes.length; keys++) {
      if (keys === this.#starts.length) this.#grow()
      if (keys < this.byNumber) this.#places[keys] = view.getUint32(at, true) * mostByNumber + keys
      const from = at + headerBytes
      at = from + view.getUint32(at + 4, true)
      this.#starts[keys] = from
      this.#ends[keys] = at
    }
    if (keys <= this.byNumber) this.#sortByNumber(keys)
    else this.#sortByComparison(keys)
  }

  /** The hash of the key at this place of the order. */
  hashAt(place: number): number {
    return this.#hashOf(this.#order[place] as number)
  }

  /** The key at this place of the order: a view of what was loaded. */
  keyAt(place: number): Buffer {
    return this.#keyOf(this.#order[place] as number)
  }

  #sortByNumber(keys: number): void {
    const places = this.#places.subarray(0, keys).sort()
    let count = 0
    for (let from = 0; from < keys; ) {
      const hash = Math.floor((places[from] as number) / mostByNumber)
      let to = from + 1
      while (to < keys && (places[to] as number) < (hash + 1) * mostByNumber) to++
      this.#order[count++] = (places[from] as number) - hash * mostByNumber
      if (to > from + 1) {
        const alike = Array.from(places.subarray(from, to), (place) => place - hash * mostByNumber)
        count = this.#takeAlike(alike, count - 1)
      }
      from = to
    }
    this.count = count
  }

  /** Far more keys than a bucket ever has, unless somebody made them for it. */
  #sortByComparison(keys: number): void {
    const all = Array.from({ length: keys }, (_, i) => i).sort((a, b) => this.#hashOf(a) - this.#hashOf(b))
    let count = 0
    for (let from = 0; from < keys; ) {
      const hash = this.#hashOf(all[from] as number)
      let to = from + 1
      while (to < keys && this.#hashOf(all[to] as number) === hash) to++
      count = this.#takeAlike(all.slice(from, to), count)
      from = to
    }
    this.count = count
  }

  /** Keys of the same hash, by their bytes, each once. */
  #takeAlike(keys: number[], count: number): number {
    keys.sort((a, b) => Buffer.compare(this.#keyOf(a), this.#keyOf(b)))
    let last: Buffer | undefined
    for (const one of keys) {
      const key = this.#keyOf(one)
      if (last !== undefined && key.equals(last)) continue
      this.#order[count++] = one
      last = key
    }
    return count
  }

  #hashOf(key: number): number {
    return this.#bytes.readUInt32LE((this.#starts[key] as number) - headerBytes)
  }

  #keyOf(key: number): Buffer {
    return this.#bytes.subarray(this.#starts[key], this.#ends[key])
  }

  #grow(): void {
    const length = this.#starts.length * 2
    this.#starts = doubled(this.#starts)
    this.#ends = doubled(this.#ends)
    const places = new Float64Array(length)
    places.set(this.#places)
    this.#places = places
    this.#order = new Uint32Array(length)
  }
}

function doubled(numbers: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(numbers.length * 2)
  larger.set(numbers)
  return larger
}
