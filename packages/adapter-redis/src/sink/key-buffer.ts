import { shown } from '@drover/core'
import type { EncodedArguments } from './encoded-command.js'
import { grown, mostBytes, writeBytes, writeText } from './utf8.js'

/** Room for `$`, the digits of a length and the ends of two lines. */
const frameBytes = 15
const startBytes = 32 * 1024
/** What a buffer may keep for the next batch. */
const keptBytes = 4 * 1024 * 1024
const startSlots = 4096

/** Keys as arguments of a command, one behind the other: each once. A `Map` of their names would make more garbage than all else together. */
export class KeyBuffer {
  bytes: Buffer = Buffer.allocUnsafeSlow(startBytes)
  /** Where the last one ends. */
  at = 0
  count = 0
  /** Where the key stands that was given last. */
  #start = 0
  #end = 0
  /** Numbers of keys, one higher, by their hashes: the next free place behind is taken where two meet. */
  #slots = new Int32Array(startSlots)
  #starts = new Int32Array(startSlots / 2)
  #ends = new Int32Array(startSlots / 2)
  #hashes = new Int32Array(startSlots / 2)

  clear(): void {
    if (this.bytes.length > keptBytes) this.bytes = Buffer.allocUnsafeSlow(startBytes)
    this.#slots.fill(0)
    this.at = 0
    this.count = 0
  }

  /**
   * Adds a key, where it is not there yet: as number `count - 1`.
   *
   * @returns -1, or the number of the same key that is there
   * @throws ValueRefused
   */
  add(key: string | Uint8Array): number {
    const before = this.at
    this.#write(key)
    const hash = hashOf(this.bytes, this.#start, this.#end)
    const last = this.#slots.length - 1
    let slot = (hash ^ (hash >>> 15)) & last
    for (let found = this.#slots[slot] as number; found !== 0; found = this.#slots[slot] as number) {
      if (this.#hashes[found - 1] === hash && this.#isSame(found - 1)) {
        this.at = before
        return found - 1
      }
      slot = (slot + 1) & last
    }
    const { bytes, count } = this
    this.#slots[slot] = count + 1
    this.#hashes[count] = hash
    this.#starts[count] = this.#start
    this.#ends[count] = this.#end
    this.count = count + 1
    bytes[this.#end] = 0x0d
    bytes[this.#end + 1] = 0x0a
    this.at = this.#end + 2
    if (this.count * 2 === this.#slots.length) this.#growTable()
    return -1
  }

  /** The key of that number, as a message shows it. */
  nth(number: number): string {
    return shown(this.bytes.toString('utf8', this.#starts[number], this.#ends[number]))
  }

  /** All keys. */
  get encoded(): EncodedArguments {
    return { count: this.count, bytes: this.bytes.subarray(0, this.at) }
  }

  /** All keys, each as its bytes. */
  list(): Buffer[] {
    return Array.from({ length: this.count }, (_, i) => this.bytes.subarray(this.#starts[i], this.#ends[i]))
  }

  #write(key: string | Uint8Array): void {
    const { at } = this
    if (typeof key !== 'string') {
      this.#reserve(key.length + frameBytes)
      this.#start = this.#head(at, key.length)
      this.#end = writeBytes(key, 0, key.length, this.bytes, this.#start)
      return
    }
    const { length } = key
    this.#reserve(mostBytes(key) + frameBytes)
    this.#start = this.#head(at, length)
    this.#end = writeText(key, this.bytes, this.#start)
    const size = this.#end - this.#start
    if (size === length) return
    // It has more bytes than characters, which only writing it has told.
    const start = this.#start
    this.#start = at + String(size).length + 3
    this.bytes.copyWithin(this.#start, start, this.#end)
    this.#head(at, size)
    this.#end = this.#start + size
  }

  #head(from: number, length: number): number {
    const { bytes } = this
    let at = from
    bytes[at++] = 0x24
    let power = 1
    while (power * 10 <= length) power *= 10
    for (let rest = length; power >= 1; power /= 10) {
      const digit = Math.floor(rest / power)
      bytes[at++] = 0x30 + digit
      rest -= digit * power
      if (power === 1) break
    }
    bytes[at++] = 0x0d
    bytes[at++] = 0x0a
    return at
  }

  #isSame(number: number): boolean {
    const { bytes } = this
    const start = this.#starts[number] as number
    const length = this.#end - this.#start
    if ((this.#ends[number] as number) - start !== length) return false
    for (let i = 0; i < length; i++) if (bytes[start + i] !== bytes[this.#start + i]) return false
    return true
  }

  #growTable(): void {
    const size = this.#slots.length * 2
    const slots = new Int32Array(size)
    for (let number = 0; number < this.count; number++) {
      const hash = this.#hashes[number] as number
      let slot = (hash ^ (hash >>> 15)) & (size - 1)
      while (slots[slot] !== 0) slot = (slot + 1) & (size - 1)
      slots[slot] = number + 1
    }
    this.#slots = slots
    this.#starts = larger(this.#starts, size / 2)
    this.#ends = larger(this.#ends, size / 2)
    this.#hashes = larger(this.#hashes, size / 2)
  }

  #reserve(size: number): void {
    if (this.at + size > this.bytes.length) this.bytes = grown(this.bytes, this.at, this.at + size)
  }
}

/** Keys as they were added, one by one. */
export function keysIn({ bytes, count }: EncodedArguments): Buffer[] {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const keys: Buffer[] = []
  for (let at = 0; keys.length < count; ) {
    const start = all.indexOf('\r\n', at) + 2
    const end = start + Number(all.toString('latin1', at + 1, start - 2))
    keys.push(all.subarray(start, end))
    at = end + 2
  }
  return keys
}

/** FNV-1a. */
function hashOf(bytes: Buffer, start: number, end: number): number {
  let hash = 0x811c9dc5 | 0
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193)
  return hash
}

function larger(values: Int32Array, size: number): Int32Array<ArrayBuffer> {
  const copy = new Int32Array(size)
  copy.set(values)
  return copy
}
