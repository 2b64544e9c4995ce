import { headerBytes } from './layout.js'

/** Longer stretches are not sorted by exchanging neighbours. */
const shortStretch = 32

/**
 * Keys of some buckets in the order of (hash, bytes), each once. Hashes are spread evenly, so each key is put about where it belongs, and then
 * only neighbours are to be exchanged. The memory for that is used again for the next keys.
 */
export class SortedKeys {
  #starts = new Uint32Array(1024)
  #ends = new Uint32Array(1024)
  #hashes = new Uint32Array(1024)
  #order = new Uint32Array(1024)
  #stretchEnds = new Uint32Array(1024 + 1)
  #bytes: Buffer = Buffer.alloc(0)
  /** How many different keys there are. */
  count = 0

  /** Takes keys as they are laid out, whose hashes are `lowest` or one of the `span - 1` behind it. What they are read from must stay. */
  load(bytes: Buffer, lowest: number, span: number): void {
    this.#bytes = bytes
    const keys = this.#find(bytes)
    this.#spread(keys, lowest, span)
    this.count = this.#sort(keys)
  }

  /** The hash of the key at this place of the order. */
  hashAt(place: number): number {
    return this.#hashes[this.#order[place] as number] as number
  }

  /** The key at this place of the order: a view of what was loaded. */
  keyAt(place: number): Buffer {
    return this.#keyOf(this.#order[place] as number)
  }

  #find(bytes: Buffer): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    let keys = 0
    for (let at = 0; at < bytes.length; keys++) {
      if (keys === this.#starts.length) this.#grow()
      this.#hashes[keys] = view.getUint32(at, true)
      const from = at + headerBytes
      at = from + view.getUint32(at + 4, true)
      this.#starts[keys] = from
      this.#ends[keys] = at
    }
    return keys
  }

  /** As many stretches as keys, each of the keys whose hashes are in one part of the span. */
  #spread(keys: number, lowest: number, span: number): void {
    const hashes = this.#hashes
    const ends = this.#stretchEnds.fill(0, 0, keys + 1)
    const share = keys / span
    for (let key = 0; key < keys; key++) {
      const stretch = Math.floor(((hashes[key] as number) - lowest) * share)
      ends[stretch + 1] = (ends[stretch + 1] as number) + 1
    }
    for (let stretch = 0; stretch < keys; stretch++) {
      ends[stretch + 1] = (ends[stretch + 1] as number) + (ends[stretch] as number)
    }
    // Now where each begins; what is put there moves it to where it ends.
    for (let key = 0; key < keys; key++) {
      const stretch = Math.floor(((hashes[key] as number) - lowest) * share)
      const place = ends[stretch] as number
      ends[stretch] = place + 1
      this.#order[place] = key
    }
  }

  #sort(keys: number): number {
    const [order, hashes] = [this.#order, this.#hashes]
    let count = 0
    for (let stretch = 0, from = 0; from < keys; stretch++) {
      const to = this.#stretchEnds[stretch] as number
      if (to - from > shortStretch) this.#sortLong(from, to)
      else if (to - from > 1) this.#sortShort(from, to)
      for (; from < to; from++) {
        const key = order[from] as number
        const last = count === 0 ? -1 : (order[count - 1] as number)
        if (last < 0 || hashes[last] !== hashes[key] || this.#compare(last, key) !== 0) order[count++] = key
      }
    }
    return count
  }

  #sortShort(from: number, to: number): void {
    const order = this.#order
    for (let next = from + 1; next < to; next++) {
      const key = order[next] as number
      let place = next
      for (; place > from && this.#compare(order[place - 1] as number, key) > 0; place--) {
        order[place] = order[place - 1] as number
      }
      order[place] = key
    }
  }

  /** Far more keys with nearly the same hash than chance has, unless somebody made them for it. */
  #sortLong(from: number, to: number): void {
    this.#order.set(
      Array.from(this.#order.subarray(from, to)).sort((a, b) => this.#compare(a, b)),
      from,
    )
  }

  #compare(a: number, b: number): number {
    const difference = (this.#hashes[a] as number) - (this.#hashes[b] as number)
    return difference !== 0 ? difference : Buffer.compare(this.#keyOf(a), this.#keyOf(b))
  }

  #keyOf(key: number): Buffer {
    return this.#bytes.subarray(this.#starts[key], this.#ends[key])
  }

  #grow(): void {
    const keys = this.#starts.length * 2
    const larger = (numbers: Uint32Array<ArrayBuffer>) => {
      const grown = new Uint32Array(keys)
      grown.set(numbers)
      return grown
    }
    this.#starts = larger(this.#starts)
    this.#ends = larger(this.#ends)
    this.#hashes = larger(this.#hashes)
    this.#order = new Uint32Array(keys)
    this.#stretchEnds = new Uint32Array(keys + 1)
  }
}
