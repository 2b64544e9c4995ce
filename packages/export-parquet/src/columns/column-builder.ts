import { type ColumnWriter, type LogicalType, ValueRefused } from '@drover/core'
import type * as arrow from 'apache-arrow'
import { arrowType } from './arrow-schema.js'
import { bitAt, packBits } from './bits.js'
import { grown } from './grown.js'
import { bytesOrText, moment, small, whole } from './poured-value.js'

/** What a builder is for. */
export interface Holding<T extends LogicalType = LogicalType> {
  /** As errors show it; an item of a list has none, a field of a struct is `.name`. */
  readonly name: string
  readonly type: T
  readonly nullable: boolean
  /** What the source says it is. */
  readonly from: LogicalType
  /** The user named the type: then values of other types are taken where they fit, and floats may be rounded. */
  readonly isNamed: boolean
}

/** Null marks as Arrow takes them. */
export interface Nulls {
  readonly nullCount: number
  readonly nullBitmap: Uint8Array | null
}

/** A value that was taken before it could be seen that it is none. */
export interface LateRefusal {
  readonly row: number
  readonly refused: ValueRefused
}

const noBytes = new Uint8Array(0)

/**
 * The values of one column, in memory as Arrow has them.
 *
 * Its methods as a `ColumnWriter` make a value as records hold it, and `put` that; a column overrides those that can do without.
 */
export abstract class ColumnBuilder<T extends LogicalType = LogicalType> implements ColumnWriter {
  length = 0
  /** What pages give is what the column holds: nothing has to be converted or looked at as a value. */
  protected readonly isDirect: boolean
  protected readonly arrowType: arrow.DataType
  /** 1 where a null stands. What is not null leaves it alone, so that a column without nulls never touches it. */
  #nulls: Uint8Array = noBytes
  #nullCount = 0

  constructor(protected readonly holding: Holding<T>) {
    const { type, from } = holding
    const isSameZone = type.kind !== 'timestamp' || from.kind !== 'timestamp' || type.zone === from.zone
    this.isDirect = type.kind === from.kind && isSameZone
    this.arrowType = arrowType(type)
  }

  /** Bytes that the values take, without spare room. */
  abstract get valueBytes(): number

  /** Adds a value that is not null. @throws `ValueRefused` */
  protected abstract put(value: unknown): void

  /** Adds a place that holds nothing: for a null, here or around it. */
  protected abstract skip(): void

  /** Forgets the values from there on, and what stands behind the last one. */
  protected abstract cut(length: number): void

  /** The values from there on, copied or not. */
  protected abstract data(from: number, nulls: Nulls): arrow.Data

  /** Adds the values of `data`, whose marks of nulls are seen to. */
  protected abstract copy(data: arrow.Data): void

  get byteSize(): number {
    return this.valueBytes + (this.#nullCount === 0 ? 0 : (this.length + 7) >> 3)
  }

  value(value: unknown): void {
    if (value === null || value === undefined) {
      this.null()
      return
    }
    try {
      this.put(value)
    } catch (error) {
      throw error instanceof ValueRefused ? error.within(this.holding.name) : error
    }
  }

  null(): void {
    if (!this.holding.nullable) {
      throw this.refusal('null', 'The source says that it is never null: fill it in a step, or leave the record out.')
    }
    this.absent()
  }

  /** A place within something that is null itself. */
  absent(): void {
    if (this.holding.nullable) this.#mark(this.length)
    this.skip()
  }

  boolean(value: boolean): void {
    this.value(value)
  }

  int32(value: number): void {
    this.value(small(value, this.holding.from))
  }

  int64(low: number, high: number): void {
    this.value(whole(low, high))
  }

  float64(value: number): void {
    this.value(value)
  }

  micros(value: number): void {
    this.value(moment(value, this.holding.from))
  }

  bytes(from: Uint8Array, start: number, end: number): void {
    this.value(bytesOrText(from, start, end, this.holding.from))
  }

  /** A page has poured the values from there on; gives the first one that turns out to be none. */
  poured(_from: number): LateRefusal | undefined {
    return undefined
  }

  truncate(length: number): void {
    if (length > this.length) return
    // Of a value that was refused, parts may stand behind the last place.
    this.cut(length)
    if (this.#nullCount > 0) {
      for (let i = length; i < this.#nulls.length; i++) this.#nullCount -= this.#nulls[i] as number
      this.#nulls.fill(0, length)
    }
    this.length = length
  }

  /** The values from there on as Arrow takes them: what comes after this call may change them. */
  toData(from: number): arrow.Data {
    return this.data(from, this.#nullsFrom(from))
  }

  /** Adds values that `toData` gave. */
  appendData(data: arrow.Data): void {
    const { nullCount, nullBitmap, length } = data
    if (nullCount > 0 && nullBitmap) {
      for (let i = 0; i < length; i++) if (bitAt(nullBitmap, i) === 0) this.#mark(this.length + i)
    }
    this.copy(data)
  }

  protected refusal(what: string, remedy: string): ValueRefused {
    return new ValueRefused(what, remedy).within(this.holding.name)
  }

  #mark(at: number): void {
    if (at >= this.#nulls.length) this.#nulls = grown(this.#nulls, at + 1)
    this.#nulls[at] = 1
    this.#nullCount++
  }

  #nullsFrom(from: number): Nulls {
    if (this.#nullCount === 0) return { nullCount: 0, nullBitmap: null }
    let nullCount = 0
    const end = Math.min(this.length, this.#nulls.length)
    for (let i = from; i < end; i++) nullCount += this.#nulls[i] as number
    return { nullCount, nullBitmap: nullCount === 0 ? null : packBits(this.#nulls, from, this.length - from, 0) }
  }
}
