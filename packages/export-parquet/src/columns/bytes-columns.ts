import { type LogicalType, refuseType, ValueRefused } from '@drover/core'
import * as arrow from 'apache-arrow'
import { ColumnBuilder, type LateRefusal, type Nulls } from './column-builder.js'
import { grown } from './grown.js'

/** One value larger than that would take several times its size in memory on its way into a file. */
const mostValueBytes = 2 ** 28
/** Arrow's offsets are of 32 bits. */
const mostBytes = 2 ** 31 - 1
/** From there on a copy by C++ is faster. */
const shortPart = 256
const leastBytes = 1024
const mostSpareBytes = 2 ** 26
const noBytes = Buffer.alloc(0)
const noView = new DataView(new ArrayBuffer(0))

/** Values of any number of bytes, one behind the other. */
export abstract class VariableColumn<T extends LogicalType> extends ColumnBuilder<T> {
  protected used = 0
  /** Not of Node's pool: two columns must not share their memory. */
  protected room: Buffer = noBytes
  #roomView: DataView = noView
  /** What was poured from last. */
  #source: Uint8Array = noBytes
  #sourceView: DataView = noView
  /** Where the values end; the first number is 0. */
  #ends = new Int32Array(64)

  get valueBytes(): number {
    return this.used + (this.length + 1) * 4
  }

  protected putBytes(from: Uint8Array, start: number, end: number): void {
    const size = end - start
    const at = this.used
    this.reserveValue(size)
    if (size > shortPart) this.room.set(new Uint8Array(from.buffer, from.byteOffset + start, size), at)
    else this.#putShort(from, start, size)
    this.ended(at + size)
  }

  /** Four bytes at a time: a call into C++ would take longer than they do. */
  #putShort(from: Uint8Array, start: number, size: number): void {
    if (from !== this.#source) {
      this.#source = from
      this.#sourceView = new DataView(from.buffer, from.byteOffset, from.byteLength)
    }
    const view = this.#roomView
    const sourceView = this.#sourceView
    const at = this.used
    const words = size - 3
    let i = 0
    for (; i < words; i += 4) view.setInt32(at + i, sourceView.getInt32(start + i))
    for (; i < size; i++) view.setInt8(at + i, sourceView.getInt8(start + i))
  }

  override poured(_from: number): LateRefusal | undefined {
    // The page may go.
    this.#source = noBytes
    this.#sourceView = noView
    return undefined
  }

  /** The same for what a page gives: a refusal names the column. */
  protected pourBytes(from: Uint8Array, start: number, end: number): void {
    try {
      this.putBytes(from, start, end)
    } catch (error) {
      throw error instanceof ValueRefused ? error.within(this.holding.name) : error
    }
  }

  /** Notes where the value that was just written ends. */
  protected ended(end: number): void {
    this.used = end
    if (++this.length === this.#ends.length) this.#ends = grown(this.#ends, this.length + 1)
    this.#ends[this.length] = end
  }

  /** Makes room behind the last value for another one. */
  protected reserveValue(size: number): void {
    if (size > mostValueBytes) {
      throw new ValueRefused(
        `a value of ${size} bytes`,
        `It takes values of up to ${mostValueBytes} bytes: leave it out, or keep such values elsewhere.`,
      )
    }
    this.#reserve(size)
  }

  #reserve(size: number): void {
    if (this.used + size > this.room.length) this.#enlarge(this.used + size)
  }

  #enlarge(needed: number): void {
    if (needed > mostBytes) {
      throw new ValueRefused(
        `the value with which a row group comes to ${needed} bytes of the field`,
        'A row group holds up to 2 GiB of a field: make the batches or rowGroupBytes smaller.',
      )
    }
    const larger = Buffer.allocUnsafeSlow(Math.min(mostBytes, Math.max(leastBytes, needed, this.room.length * 2)))
    larger.set(this.room.subarray(0, this.used))
    this.#setRoom(larger)
  }

  #setRoom(room: Buffer): void {
    this.room = room
    this.#roomView = new DataView(room.buffer, room.byteOffset, room.byteLength)
  }

  protected skip(): void {
    this.ended(this.used)
  }

  protected cut(length: number): void {
    this.used = this.#ends[length] as number
    // One huge value must not hold its memory for all time.
    if (length === 0 && this.room.length > mostSpareBytes) this.#setRoom(noBytes)
  }

  /** Where the values from there on begin. */
  protected startOf(place: number): number {
    return this.#ends[place] as number
  }

  protected data(from: number, nulls: Nulls): arrow.Data {
    const valueOffsets = this.#ends.subarray(from, this.length + 1)
    const data = new Uint8Array(this.room.buffer, 0, this.used)
    return arrow.makeData({
      type: this.arrowType as arrow.Binary,
      length: this.length - from,
      valueOffsets,
      data,
      ...nulls,
    })
  }

  protected copy(data: arrow.Data): void {
    const { length } = data
    const ends = data.valueOffsets as Int32Array
    const start = ends[0] as number
    const size = (ends[length] as number) - start
    this.#reserve(size)
    const moved = this.used - start
    this.room.set((data.values as Uint8Array).subarray(start, start + size), this.used)
    for (let i = 1; i <= length; i++) this.ended((ends[i] as number) + moved)
  }
}

/** `Uint8Array`s. */
export class BinaryColumn extends VariableColumn<{ readonly kind: 'bytes' }> {
  override bytes(from: Uint8Array, start: number, end: number): void {
    if (this.isDirect) this.pourBytes(from, start, end)
    else super.bytes(from, start, end)
  }

  protected put(value: unknown): void {
    if (!(value instanceof Uint8Array)) refuseType(value, 'bytes: a Uint8Array')
    this.putBytes(value, 0, value.length)
  }
}
