import { writeUtf8 } from './native-text.js'

/** No character of a JavaScript string takes more bytes in UTF-8. */
const mostBytes = 3
const shortText = 24
const shortPart = 200
const longText = 32 * 1024

/** Where values are written one behind the other. It grows; whoever owns it takes `bytes` away before it gets large. */
export class WireBuffer {
  bytes: Buffer
  at = 0

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size)
  }

  /** Makes room. Writing without it throws or is lost. */
  reserve(length: number): void {
    if (this.at + length <= this.bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.at + length, this.bytes.length * 2))
    this.bytes.copy(larger, 0, 0, this.at)
    this.bytes = larger
  }

  int16(value: number): void {
    const { bytes, at } = this
    bytes[at] = value >> 8
    bytes[at + 1] = value
    this.at = at + 2
  }

  int32(value: number): void {
    this.setInt32(this.at, value)
    this.at += 4
  }

  setInt32(at: number, value: number): void {
    const { bytes } = this
    bytes[at] = value >> 24
    bytes[at + 1] = value >> 16
    bytes[at + 2] = value >> 8
    bytes[at + 3] = value
  }

  copy(from: Uint8Array): void {
    this.reserve(from.length)
    this.bytes.set(from, this.at)
    this.at += from.length
  }

  /** A part of other bytes. */
  part(from: Buffer, at: number, end: number): void {
    const length = end - at
    this.reserve(length)
    const { bytes } = this
    const to = this.at
    // A call into C++ costs more than so few bytes do.
    if (length < shortPart) for (let i = 0; i < length; i++) bytes[to + i] = from[at + i] as number
    else from.copy(bytes, to, at, end)
    this.at = to + length
  }

  /** As UTF-8; gives the number of bytes. */
  text(text: string): number {
    const { length } = text
    this.reserve(length < longText ? length * mostBytes : Buffer.byteLength(text))
    const { bytes, at } = this
    if (length < shortText) {
      // A call into C++ costs more than so few characters do.
      let i = 0
      for (; i < length; i++) {
        const unit = text.charCodeAt(i)
        if (unit > 0x7f) break
        bytes[at + i] = unit
      }
      if (i === length) {
        this.at = at + length
        return length
      }
    }
    const written = writeUtf8(bytes, text, at)
    this.at = at + written
    return written
  }
}
