const flushLength = 4096
/** No character of a JavaScript string takes more bytes in UTF-8. */
const mostBytes = 3

/**
 * Collects text as UTF-8 in one growing buffer. Short texts are joined before they are encoded: a call per record costs
 * more than the encoding, and a whole page as one string would be of two bytes a character as soon as one needs it.
 */
export class TextBuffer {
  #buffer: Buffer
  #used = 0
  #text = ''

  constructor(private readonly size: number) {
    this.#buffer = Buffer.allocUnsafeSlow(size)
  }

  /** Bytes in it, up to a few thousand that are not encoded yet. */
  get length(): number {
    return this.#used + this.#text.length
  }

  add(text: string): void {
    this.#text += text
    if (this.#text.length >= flushLength) this.#encode()
  }

  addBytes(bytes: Uint8Array): void {
    this.#encode()
    this.#reserve(bytes.byteLength)
    this.#buffer.set(bytes, this.#used)
    this.#used += bytes.byteLength
  }

  /** What was collected; valid until something is added. */
  view(): Uint8Array {
    this.#encode()
    return this.#buffer.subarray(0, this.#used)
  }

  /** Forgets what was collected, and gives back what an unusually long record took. */
  clear(): void {
    this.#text = ''
    this.#used = 0
    if (this.#buffer.length > this.size * 4) this.#buffer = Buffer.allocUnsafeSlow(this.size)
  }

  #encode(): void {
    if (this.#text === '') return
    const { length } = this.#text
    this.#reserve(length < this.size ? length * mostBytes : Buffer.byteLength(this.#text))
    this.#used += this.#buffer.write(this.#text, this.#used)
    this.#text = ''
  }

  #reserve(bytes: number): void {
    const needed = this.#used + bytes
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, 0, this.#used)
    this.#buffer = larger
  }
}
