import { shown } from '@drover/core'
import type { EncodedArguments } from './encoded-command.js'
import { grown, mostBytes, writeBytes, writeText } from './utf8.js'

/** Room for `$`, the digits of a length and the end of their line. */
const headBytes = 13
const startBytes = 32 * 1024
/** What a buffer may keep for the next batch. */
const keptBytes = 4 * 1024 * 1024

/** Keys as arguments of a command, one behind the other: each once. */
export class KeyBuffer {
  bytes: Buffer = Buffer.allocUnsafeSlow(startBytes)
  /** Where the last one ends. */
  at = 0
  /** Where the key stands that was added last. */
  start = 0
  end = 0
  /** Numbers of the keys, by their bytes. */
  #numbers = new Map<string, number>()

  get count(): number {
    return this.#numbers.size
  }

  clear(): void {
    if (this.bytes.length > keptBytes) this.bytes = Buffer.allocUnsafeSlow(startBytes)
    this.at = 0
    this.#numbers = new Map()
  }

  /** The key of that number, as a message shows it. */
  nth(number: number): string | undefined {
    const name = [...this.#numbers.keys()][number]
    return name === undefined ? undefined : shown(Buffer.from(name, 'latin1').toString())
  }

  /** The one that was added last, as a message shows it. */
  get last(): string {
    return shown(this.bytes.toString('utf8', this.start, this.end))
  }

  /**
   * Adds a key, where it is not there yet.
   *
   * @returns -1, or the number of the same key that is there
   * @throws ValueRefused
   */
  add(key: string | Uint8Array): number {
    const before = this.at
    const length = key.length
    if (typeof key === 'string') {
      this.#reserve(mostBytes(key) + headBytes)
      this.#head(length)
      this.start = this.at
      this.end = writeText(key, this.bytes, this.start)
      if (this.end - this.start !== length) this.#move(before, this.end - this.start)
    } else {
      this.#reserve(length + headBytes)
      this.#head(length)
      this.start = this.at
      this.end = writeBytes(key, 0, length, this.bytes, this.start)
    }
    const isAscii = typeof key === 'string' && this.end - this.start === length
    const name = isAscii ? key : this.bytes.toString('latin1', this.start, this.end)
    const found = this.#numbers.get(name)
    if (found !== undefined) {
      this.at = before
      return found
    }
    this.#numbers.set(name, this.#numbers.size)
    this.bytes[this.end] = 0x0d
    this.bytes[this.end + 1] = 0x0a
    this.at = this.end + 2
    return -1
  }

  /** Writes the head again for a key that turned out to have more bytes than characters. */
  #move(before: number, size: number): void {
    const [start, end] = [this.start, this.end]
    this.at = before
    this.#head(size)
    this.bytes.copyWithin(this.at, start, end)
    this.start = this.at
    this.end = this.at + size
  }

  #head(length: number): void {
    const { bytes } = this
    bytes[this.at++] = 0x24
    let power = 1
    while (power * 10 <= length) power *= 10
    for (; power >= 1; power = Math.floor(power / 10)) bytes[this.at++] = 0x30 + (Math.floor(length / power) % 10)
    bytes[this.at++] = 0x0d
    bytes[this.at++] = 0x0a
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
