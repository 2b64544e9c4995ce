import { isUtf8 } from 'node:buffer'
import { Unreadable } from '../unreadable.js'

/** Walks over bytes and never past their end: a length is believed only once so many bytes are there. */
export class ByteCursor {
  constructor(
    readonly bytes: Buffer,
    public at = 0,
    /** Behind the last byte that may be read. */
    public end = bytes.length,
  ) {}

  static over(bytes: Uint8Array): ByteCursor {
    // A driver's own buffer needs no other one over it.
    return new ByteCursor(
      Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    )
  }

  /** Steps over so many bytes and gives the place of the first. */
  take(length: number, what: string): number {
    const start = this.at
    if (length > this.end - start) throw new Unreadable(`it ends within ${what}`, this.end)
    this.at = start + length
    return start
  }

  byte(): number {
    return this.bytes[this.take(1, 'a value')] as number
  }

  uint(size: 1 | 2 | 4): number {
    const start = this.take(size, 'a number')
    return size === 1
      ? (this.bytes[start] as number)
      : size === 2
        ? this.bytes.readUInt16BE(start)
        : this.bytes.readUInt32BE(start)
  }

  int(size: 1 | 2 | 4): number {
    const start = this.take(size, 'a number')
    return size === 1
      ? this.bytes.readInt8(start)
      : size === 2
        ? this.bytes.readInt16BE(start)
        : this.bytes.readInt32BE(start)
  }

  int64(isSigned: boolean): number | bigint {
    const start = this.take(8, 'a number')
    const value = isSigned ? this.bytes.readBigInt64BE(start) : this.bytes.readBigUInt64BE(start)
    return value <= 9007199254740991n && value >= -9007199254740991n ? Number(value) : value
  }

  float(size: 4 | 8): number {
    const start = this.take(size, 'a number')
    return size === 4 ? this.bytes.readFloatBE(start) : this.bytes.readDoubleBE(start)
  }

  text(length: number): string {
    const start = this.take(length, `a text of ${length} bytes`)
    const { bytes, at } = this
    if (length < 20) {
      const text = asciiText(bytes, start, at)
      if (text !== undefined) return text
    }
    const text = bytes.toString('utf8', start, at)
    // What is no UTF-8 turns into U+FFFD; a text may also hold that itself.
    if (text.includes('\ufffd') && !isUtf8(bytes.subarray(start, at))) {
      throw new Unreadable(`a text of ${length} bytes is no UTF-8`, start)
    }
    return text
  }

  raw(length: number, what: string): Buffer {
    const start = this.take(length, what)
    return this.bytes.subarray(start, this.at)
  }

  /** How many elements follow: each takes `least` bytes or more, so a count that cannot be is refused before anything is made of it. */
  checkCount(count: number, least: number, what: string): void {
    if (count * least > this.end - this.at) throw new Unreadable(`it ends within ${what} of ${count}`, this.end)
  }
}

/** Short texts are made faster one by one; undefined if one is not ASCII. */
function asciiText(bytes: Buffer, start: number, end: number): string | undefined {
  let text = ''
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number
    if (byte > 0x7f) return undefined
    text += String.fromCharCode(byte)
  }
  return text
}
