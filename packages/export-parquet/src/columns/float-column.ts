import { refuseType, shownValue, ValueRefused } from '@drover/core'
import type { Holding } from './column-builder.js'
import { FixedColumn } from './fixed-columns.js'

export type FloatType = { readonly kind: 'float'; readonly bits: 32 | 64 }

/** Floats of either size; NaN, infinities and -0 are values as others. */
export class FloatColumn extends FixedColumn<FloatType, Float32Array | Float64Array> {
  readonly #isSingle: boolean

  constructor(holding: Holding<FloatType>) {
    super(holding, holding.type.bits === 32 ? new Float32Array(0) : new Float64Array(0))
    this.#isSingle = holding.type.bits === 32
  }

  override float64(value: number): void {
    if (this.#isSingle && Math.fround(value) !== value && !Number.isNaN(value)) super.float64(value)
    else this.#add(value)
  }

  protected put(value: unknown): void {
    const float = floatOf(value, this.holding)
    this.#add(this.#isSingle ? singleOf(float, this.holding.isNamed) : float)
  }

  #add(value: number): void {
    if (this.length === this.numbers.length) this.grow(this.length + 1)
    this.numbers[this.length++] = value
  }
}

/** The float32 that a number is; the nearest one if that is accepted. @throws `ValueRefused` */
export function singleOf(value: number, mayRound: boolean): number {
  const nearest = Math.fround(value)
  if (nearest === value || Number.isNaN(value)) return nearest
  const isLost = !Number.isFinite(nearest) || nearest === 0
  if (mayRound && !isLost) return nearest
  throw new ValueRefused(
    shownValue(value),
    isLost
      ? "It is out of range for a float32: name the type 'float64' in types."
      : "A float32 would round it: name the type 'float64' in types, or 'float32' to have it rounded.",
  )
}

const decimal = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i
const words: ReadonlyMap<string, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
])

function floatOf(value: unknown, { isNamed }: Holding): number {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') {
    const float = Number(value)
    if (Number.isFinite(float) && (isNamed || BigInt(float) === value)) return float
    throw new ValueRefused(
      shownValue(value),
      "A float would round it: name the type 'int64', 'decimal(38,0)' or 'text' in types.",
    )
  }
  if (isNamed && typeof value === 'string') {
    const float = decimal.test(value) ? Number(value) : words.get(value)
    if (float !== undefined && (Number.isFinite(float) || words.has(value))) return float
  }
  return refuseType(value, 'numbers')
}
