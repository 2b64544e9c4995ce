import { refuseType, shownValue, ValueRefused } from '@drover/core'
import type { Holding } from './column-builder.js'
import { FixedColumn, WordsColumn } from './fixed-columns.js'

export type IntType = { readonly kind: 'int'; readonly bits: 8 | 16 | 32 | 64 }

const arrays = { 8: Int8Array, 16: Int16Array, 32: Int32Array } as const

/** Integers of 8, 16 or 32 bits. */
export class IntColumn extends FixedColumn<IntType, Int8Array | Int16Array | Int32Array> {
  readonly #most: number

  constructor(holding: Holding<IntType>, bits: 8 | 16 | 32) {
    super(holding, new arrays[bits](0))
    this.#most = 2 ** (bits - 1) - 1
  }

  override int32(value: number): void {
    if (this.isDirect && value <= this.#most && value >= -this.#most - 1) this.#add(value)
    else super.int32(value)
  }

  protected put(value: unknown): void {
    const whole = integerOf(value, this.holding)
    if (whole > this.#most || whole < -this.#most - 1) throw outOfRange(value, this.holding.type.bits)
    this.#add(Number(whole))
  }

  #add(value: number): void {
    if (this.length === this.numbers.length) this.grow(this.length + 1)
    this.numbers[this.length++] = value
  }
}

/** Integers of 64 bits: `number` as long as it is safe, else `bigint`. */
export class Int64Column extends WordsColumn<IntType> {
  override int32(value: number): void {
    if (this.isDirect) this.putWords(value, value >> 31)
    else super.int32(value)
  }

  override int64(low: number, high: number): void {
    if (this.isDirect) this.putWords(low, high)
    else super.int64(low, high)
  }

  protected put(value: unknown): void {
    const whole = integerOf(value, this.holding)
    if (typeof whole === 'number') this.putNumber(whole)
    else if (BigInt.asIntN(64, whole) === whole) this.putBigint(whole)
    else throw outOfRange(value, 64)
  }
}

function integerOf(value: unknown, { isNamed }: Holding): number | bigint {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) return value
    throw notWhole(value)
  }
  if (isNamed) {
    if (typeof value === 'string' && /^[-+]?\d{1,40}$/.test(value)) return BigInt(value.replace('+', ''))
    if (typeof value === 'boolean') return value ? 1 : 0
  }
  return refuseType(value, 'whole numbers')
}

function notWhole(value: number): ValueRefused {
  if (Number.isInteger(value) && value !== 0) {
    return new ValueRefused(
      shownValue(value),
      "Beyond ±(2^53 - 1) a number may have lost digits before: give it as a bigint, or name the type 'float64' in types.",
    )
  }
  return new ValueRefused(
    shownValue(value),
    "It takes whole numbers: round it in a step, or name the type 'float64' in types.",
  )
}

function outOfRange(value: unknown, bits: number): ValueRefused {
  const range = `from ${-(2n ** BigInt(bits - 1))} to ${2n ** BigInt(bits - 1) - 1n}`
  const remedy = bits === 64 ? "'decimal(38,0)' or 'text'" : "'int64'"
  return new ValueRefused(shownValue(value), `It takes integers ${range}: name the type ${remedy} in types.`)
}
