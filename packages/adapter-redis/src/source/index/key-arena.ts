import { hashKey } from './key-hash.js'
import { bucketOf, buckets, headerBytes, type Layout } from './layout.js'

const firstBytes = 64 * 1024
/** Native copies have a price of their own: a few bytes are copied faster by hand. */
const shortKey = 40

/** Keys as they come, one behind the other in one piece of memory: no object for each. */
export class KeyArena {
  #bytes: Buffer = Buffer.allocUnsafeSlow(firstBytes)
  #hashes = new Uint32Array(firstBytes / 32)
  #ends = new Uint32Array(firstBytes / 32)
  #used = 0
  #count = 0

  get count(): number {
    return this.#count
  }

  /** Bytes that it takes to lay it out. */
  get size(): number {
    return this.#used + this.#count * headerBytes
  }

  add(key: Uint8Array): void {
    const end = this.#used + key.length
    if (end > this.#bytes.length) this.#bytes = grown(this.#bytes, this.#used, end)
    if (this.#count === this.#ends.length) {
      this.#hashes = doubled(this.#hashes)
      this.#ends = doubled(this.#ends)
    }
    copy(key, 0, key.length, this.#bytes, this.#used)
    this.#hashes[this.#count] = hashKey(key)
    this.#ends[this.#count] = end
    this.#used = end
    this.#count++
  }

  /** Whether the bytes behind the first `count` keys contain these; they may stand across the end of a key. */
  includes(bytes: Buffer, count: number): boolean {
    return this.#bytes.subarray(this.#endOf(count), this.#used).includes(bytes)
  }

  /** Forgets all but the first keys. */
  keep(count: number): void {
    this.#used = this.#endOf(count)
    this.#count = count
  }

  /** The keys by bucket, with their hashes, into memory that is given or made. Empties the arena. */
  layOut(into?: Buffer): { readonly layout: Layout; readonly bytes: Buffer } {
    const [hashes, ends, count, source] = [this.#hashes, this.#ends, this.#count, this.#bytes]
    const starts = new Uint32Array(buckets + 1)
    for (let i = 0, from = 0; i < count; i++) {
      const end = ends[i] as number
      const bucket = bucketOf(hashes[i] as number)
      starts[bucket + 1] = (starts[bucket + 1] as number) + end - from + headerBytes
      from = end
    }
    for (let bucket = 0; bucket < buckets; bucket++) {
      starts[bucket + 1] = (starts[bucket + 1] as number) + (starts[bucket] as number)
    }
    const size = starts[buckets] as number
    const bytes = into !== undefined && into.length >= size ? into.subarray(0, size) : Buffer.allocUnsafeSlow(size)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const next = starts.slice()
    for (let i = 0, from = 0; i < count; i++) {
      const hash = hashes[i] as number
      const end = ends[i] as number
      const bucket = bucketOf(hash)
      const at = next[bucket] as number
      view.setUint32(at, hash, true)
      view.setUint32(at + 4, end - from, true)
      copy(source, from, end, bytes, at + headerBytes)
      next[bucket] = at + headerBytes + end - from
      from = end
    }
    this.keep(0)
    return { layout: { starts, count }, bytes }
  }

  /** Takes no keys any more. */
  free(): void {
    this.keep(0)
    this.#bytes = Buffer.alloc(0)
    this.#hashes = new Uint32Array(0)
    this.#ends = new Uint32Array(0)
  }

  #endOf(count: number): number {
    return count === 0 ? 0 : (this.#ends[count - 1] as number)
  }
}

function copy(source: Uint8Array, from: number, to: number, target: Uint8Array, at: number): void {
  if (to - from <= shortKey) for (let i = from; i < to; i++) target[at++] = source[i] as number
  else target.set(source.subarray(from, to), at)
}

function grown(bytes: Buffer, used: number, least: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(Math.max(bytes.length * 2, least))
  bytes.copy(larger, 0, 0, used)
  return larger
}

function doubled(numbers: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(numbers.length * 2)
  larger.set(numbers)
  return larger
}
