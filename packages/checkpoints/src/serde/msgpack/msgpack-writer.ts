import { shownValue, ValueRefused } from '@drover/core'

/** Puts MessagePack together, as `ormsgpack` writes it: each value in its shortest form, floats in 8 bytes. */
export class MsgpackWriter {
  #bytes: Buffer = Buffer.allocUnsafe(1024)
  #length = 0

  /** What was written so far; it stays as it is whatever is written later. */
  get bytes(): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(0, this.#length))
  }

  /** A value as JSON has them; integers may be `bigint`. @throws ValueRefused */
  value(value: unknown): void {
    if (typeof value === 'string') this.text(value)
    else if (typeof value === 'number') this.#number(value)
    else if (typeof value === 'bigint') this.#bigint(value)
    else if (typeof value === 'boolean') this.#byte(value ? 0xc3 : 0xc2)
    else if (value === null) this.#byte(0xc0)
    else if (Array.isArray(value)) this.#list(value)
    else if (typeof value === 'object') this.#object(value)
    else throw new ValueRefused(`a ${typeof value}`, 'MessagePack has no form for it.')
  }

  /** @throws ValueRefused for half of a surrogate pair, which UTF-8 does not have */
  text(text: string): void {
    if (!text.isWellFormed()) throw new ValueRefused('a text with half a surrogate pair', 'UTF-8 has no form for it.')
    const length = Buffer.byteLength(text)
    if (length < 32) this.#byte(0xa0 | length)
    else this.#head(length, 0xd9, 0xda, 0xdb)
    this.#reserve(length)
    this.#length += this.#bytes.write(text, this.#length)
  }

  float(value: number): void {
    this.#byte(0xcb)
    this.#reserve(8)
    this.#length = this.#bytes.writeDoubleBE(value, this.#length)
  }

  binary(bytes: Uint8Array): void {
    this.#head(bytes.length, 0xc4, 0xc5, 0xc6)
    this.raw(bytes)
  }

  /** The head of a map of so many entries. */
  map(count: number): void {
    if (count < 16) this.#byte(0x80 | count)
    else this.#head(count, null, 0xde, 0xdf)
  }

  /** A value that is MessagePack already. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  #list(list: readonly unknown[]): void {
    if (list.length < 16) this.#byte(0x90 | list.length)
    else this.#head(list.length, null, 0xdc, 0xdd)
    for (const one of list) this.value(one)
  }

  #object(value: object): void {
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype && prototype !== null) {
      throw new ValueRefused(`an object (${value.constructor?.name})`, 'Only plain objects are written.')
    }
    const entries = Object.entries(value).filter(([, one]) => one !== undefined)
    this.map(entries.length)
    for (const [name, one] of entries) {
      this.text(name)
      this.value(one)
    }
  }

  #number(value: number): void {
    if (Object.is(value, -0) || !Number.isInteger(value)) this.float(value)
    else if (value >= 0 && value < 0x80) this.#byte(value)
    else if (value >= 0 && value <= 0xffff_ffff) this.#head(value, 0xcc, 0xcd, 0xce)
    else if (value < 0 && value >= -0x20) this.#byte(value + 0x100)
    else if (value < 0 && value >= -0x8000_0000) this.#negative(value)
    else if (Number.isSafeInteger(value)) this.#int64(BigInt(value))
    // An integral number beyond ±2^53 is a float that happens to have no fraction.
    else this.float(value)
  }

  #negative(value: number): void {
    const size = value >= -0x80 ? 1 : value >= -0x8000 ? 2 : 4
    this.#byte(size === 1 ? 0xd0 : size === 2 ? 0xd1 : 0xd2)
    this.#reserve(size)
    this.#length = this.#bytes.writeIntBE(value, this.#length, size)
  }

  #bigint(value: bigint): void {
    if (value >= -0x8000_0000n && value <= 0xffff_ffffn) this.#number(Number(value))
    else if (value >= -(2n ** 63n) && value < 2n ** 64n) this.#int64(value)
    else throw new ValueRefused(shownValue(value), 'MessagePack takes integers of 64 bits.')
  }

  #int64(value: bigint): void {
    this.#byte(value < 0n ? 0xd3 : 0xcf)
    this.#reserve(8)
    if (value < 0n) this.#bytes.writeBigInt64BE(value, this.#length)
    else this.#bytes.writeBigUInt64BE(value, this.#length)
    this.#length += 8
  }

  /** A first byte by the size of the number behind it; null where that size has a form of its own. */
  #head(count: number, one: number | null, two: number, four: number): void {
    const size = count < 0x100 && one !== null ? 1 : count < 0x1_0000 ? 2 : 4
    this.#byte(size === 1 ? (one as number) : size === 2 ? two : four)
    this.#reserve(size)
    this.#length = this.#bytes.writeUIntBE(count, this.#length, size)
  }

  #byte(byte: number): void {
    this.#reserve(1)
    this.#bytes[this.#length++] = byte
  }

  #reserve(more: number): void {
    const needed = this.#length + more
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
  }
}
