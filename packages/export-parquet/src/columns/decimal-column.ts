import { refuseType, shownValue, ValueRefused } from '@drover/core'
import type { Holding } from './column-builder.js'
import { FixedColumn } from './fixed-columns.js'

export type DecimalType = { readonly kind: 'decimal'; readonly precision?: number; readonly scale?: number }

/** So many digits are a safe integer whatever they are. */
const safeDigits = 15

/** Integers of 128 bits, which count units of the last digit behind the point. */
export class DecimalColumn extends FixedColumn<DecimalType, Int32Array> {
  readonly #precision: number
  readonly #scale: number
  readonly #mostQuick: number

  constructor(holding: Holding<DecimalType>) {
    super(holding, new Int32Array(0), 4)
    this.#precision = holding.type.precision ?? 38
    this.#scale = holding.type.scale ?? 0
    this.#mostQuick = 10 ** Math.min(this.#precision, safeDigits) - 1
  }

  protected put(value: unknown): void {
    const quick = typeof value === 'string' ? this.#quickUnits(value) : Number.NaN
    if (!Number.isNaN(quick)) this.#addNumber(quick)
    else this.#addDigits(this.#unscaled(value))
  }

  /** Of the short and plain decimals that most are; NaN for all others, good and bad. */
  #quickUnits(text: string): number {
    const isNegative = text.charCodeAt(0) === 0x2d
    const first = isNegative ? 1 : 0
    if (text.length - first > safeDigits) return Number.NaN
    let units = 0
    let point = -1
    for (let i = first; i < text.length; i++) {
      const digit = text.charCodeAt(i) - 0x30
      if (digit >= 0 && digit <= 9) units = units * 10 + digit
      else if (digit === -2 && point < 0) point = i
      else return Number.NaN
    }
    const missing = this.#scale - (point < 0 ? 0 : text.length - 1 - point)
    // Beyond ±2^53 the product may be rounded: then it is beyond the limit too.
    if (missing < 0 || missing > safeDigits) return Number.NaN
    units *= 10 ** missing
    return units === 0 || units > this.#mostQuick ? Number.NaN : isNegative ? -units : units
  }

  #addDigits({ isNegative, digits }: Unscaled): void {
    if (digits.length <= safeDigits) {
      this.#addNumber(isNegative ? -Number(digits) : Number(digits))
      return
    }
    const units = isNegative ? -BigInt(digits) : BigInt(digits)
    this.#add(wordOf(units, 0n), wordOf(units, 32n), wordOf(units, 64n), wordOf(units, 96n))
  }

  #addNumber(units: number): void {
    const high = Math.floor(units / 0x100000000)
    this.#add(units, high, high >> 31, high >> 31)
  }

  #add(first: number, second: number, third: number, fourth: number): void {
    this.reserve()
    const at = this.length * 4
    this.numbers[at] = first
    this.numbers[at + 1] = second
    this.numbers[at + 2] = third
    this.numbers[at + 3] = fourth
    this.length++
  }

  #unscaled(value: unknown): Unscaled {
    const { isNegative, whole, fraction } = partsOf(value)
    const scale = this.#scale
    if (fraction.length > scale && /[1-9]/.test(fraction.slice(scale))) {
      throw new ValueRefused(
        shownValue(value),
        `It keeps ${scale} digits behind the point and would round it: name a type with more in types, or round in a step.`,
      )
    }
    const digits = (whole + fraction.slice(0, scale).padEnd(scale, '0')).replace(/^0+/, '')
    if (digits.length > this.#precision) {
      throw new ValueRefused(
        shownValue(value),
        `It keeps ${this.#precision - scale} digits before the point: name a type with more in types${this.#precision === 38 ? ", or 'text'" : ''}.`,
      )
    }
    if (digits === '' && isNegative) {
      throw new ValueRefused(
        shownValue(value),
        "A decimal has no -0: change it in a step, or name the type 'text' in types.",
      )
    }
    return { isNegative, digits: digits === '' ? '0' : digits }
  }
}

interface Unscaled {
  readonly isNegative: boolean
  readonly digits: string
}

interface Parts {
  readonly isNegative: boolean
  readonly whole: string
  readonly fraction: string
}

const decimal = /^([-+]?)(\d*)(?:\.(\d*))?(?:e([-+]?\d{1,4}))?$/i

function partsOf(value: unknown): Parts {
  const text = digitsOf(value)
  const found = decimal.exec(text)
  let whole = found?.[2] ?? ''
  let fraction = found?.[3] ?? ''
  if (found === null || whole + fraction === '') return refuseType(value, 'the digits of a finite number')
  const exponent = Number(found[4] ?? 0)
  if (exponent > 0) {
    whole += fraction.slice(0, exponent).padEnd(exponent, '0')
    fraction = fraction.slice(exponent)
  } else if (exponent < 0) {
    const all = whole.padStart(-exponent, '0')
    fraction = all.slice(all.length + exponent) + fraction
    whole = all.slice(0, all.length + exponent)
  }
  return { isNegative: found[1] === '-', whole, fraction }
}

/** A number stands for its shortest digits, as everybody sees it. */
function digitsOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (Object.is(value, -0)) return '-0'
  if (typeof value === 'bigint' || typeof value === 'number') return String(value)
  return refuseType(value, 'decimals as text, or numbers')
}

function wordOf(units: bigint, shift: bigint): number {
  return Number(BigInt.asIntN(32, units >> shift))
}
