import type { LogicalType } from '@drover/core'
import * as arrow from 'apache-arrow'
import { ColumnBuilder, type Holding, type Nulls } from './column-builder.js'
import { grown } from './grown.js'

type Numbers = Uint8Array | Int8Array | Int16Array | Int32Array | Float32Array | Float64Array

const mostSpareBytes = 2 ** 26

/** A column whose values take `stride` numbers each. */
export abstract class FixedColumn<T extends LogicalType, A extends Numbers> extends ColumnBuilder<T> {
  constructor(
    holding: Holding<T>,
    protected numbers: A,
    protected readonly stride = 1,
  ) {
    super(holding)
  }

  get valueBytes(): number {
    return this.length * this.stride * this.numbers.BYTES_PER_ELEMENT
  }

  /** Makes room for more values behind the last one. */
  protected reserve(values = 1): void {
    const needed = (this.length + values) * this.stride
    if (needed > this.numbers.length) this.grow(needed)
  }

  protected grow(needed: number): void {
    this.numbers = grown(this.numbers, needed)
  }

  protected skip(): void {
    this.reserve()
    const at = this.length * this.stride
    this.numbers.fill(0, at, at + this.stride)
    this.length++
  }

  protected cut(length: number): void {
    // One huge group must not hold its memory for all time.
    if (length === 0 && this.numbers.byteLength > mostSpareBytes) this.numbers = this.numbers.slice(0, 0) as A
  }

  protected data(from: number, nulls: Nulls): arrow.Data {
    const values = this.numbers.subarray(from * this.stride, this.length * this.stride)
    return arrow.makeData({
      type: this.arrowType as arrow.Int32,
      length: this.length - from,
      data: values as Int32Array,
      ...nulls,
    })
  }

  protected copy(data: arrow.Data): void {
    this.reserve(data.length)
    const { BYTES_PER_ELEMENT } = this.numbers
    const { buffer, byteOffset } = data.values as Uint8Array
    const count = data.length * this.stride
    if (byteOffset % BYTES_PER_ELEMENT !== 0) throw new RangeError('Values of Arrow stand at an uneven place.')
    const values = new (this.numbers.constructor as new (b: ArrayBufferLike, at: number, n: number) => A)(
      buffer,
      byteOffset,
      count,
    )
    this.numbers.set(values, this.length * this.stride)
    this.length += data.length
  }
}

/**
 * A column of integers of 64 bits. They are written as two halves of 32 bits: a `bigint` for each would take several times as long.
 *
 * As everywhere in Arrow for JavaScript, the machine's order of bytes is taken to be the little-endian one.
 */
export abstract class WordsColumn<T extends LogicalType> extends FixedColumn<T, Int32Array> {
  constructor(holding: Holding<T>) {
    super(holding, new Int32Array(0), 2)
  }

  protected putWords(low: number, high: number): void {
    const at = this.length * 2
    if (at === this.numbers.length) this.grow(at + 2)
    this.numbers[at] = low
    this.numbers[at + 1] = high
    this.length++
  }

  /** A safe integer. */
  protected putNumber(value: number): void {
    // A store into an Int32Array takes what it is given modulo 2^32.
    this.putWords(value, Math.floor(value / 0x100000000))
  }

  protected putBigint(value: bigint): void {
    this.putWords(Number(BigInt.asIntN(32, value)), Number(value >> 32n))
  }

  protected override data(from: number, nulls: Nulls): arrow.Data {
    const values = new BigInt64Array(this.numbers.buffer, from * 8, this.length - from)
    return arrow.makeData({ type: this.arrowType as arrow.Int64, length: this.length - from, data: values, ...nulls })
  }
}
