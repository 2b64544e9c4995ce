import { refuseType, shownValue, ValueRefused } from '@drover/core'
import * as arrow from 'apache-arrow'
import type { Holding, Nulls } from './column-builder.js'
import { FixedColumn } from './fixed-columns.js'
import { singleOf } from './float-column.js'

export type VectorType = { readonly kind: 'vector'; readonly dimensions: number }

/** `Float32Array`s of one length. */
export class VectorColumn extends FixedColumn<VectorType, Float32Array> {
  constructor(holding: Holding<VectorType>) {
    super(holding, new Float32Array(0), holding.type.dimensions)
  }

  protected put(value: unknown): void {
    const isNumbers = Array.isArray(value) || value instanceof Float32Array || value instanceof Float64Array
    if (!isNumbers) refuseType(value, `a Float32Array of ${this.stride}`)
    const numbers = value as ArrayLike<unknown>
    if (numbers.length !== this.stride) {
      throw new ValueRefused(
        shownValue(value),
        `It takes vectors of ${this.stride} dimensions: leave the record out, or name the type 'list(float32)' in types.`,
      )
    }
    this.reserve()
    const at = this.length * this.stride
    if (value instanceof Float32Array) this.numbers.set(value, at)
    else for (let i = 0; i < this.stride; i++) this.numbers[at + i] = this.#single(numbers[i], i)
    this.length++
  }

  #single(value: unknown, place: number): number {
    try {
      return typeof value === 'number' ? singleOf(value, this.holding.isNamed) : refuseType(value, 'numbers')
    } catch (error) {
      throw error instanceof ValueRefused ? error.within(`[${place}]`) : error
    }
  }

  protected override data(from: number, nulls: Nulls): arrow.Data {
    const type = this.arrowType as arrow.FixedSizeList<arrow.Float32>
    const length = this.length - from
    const numbers = this.numbers.subarray(from * this.stride, this.length * this.stride)
    const child = arrow.makeData({ type: new arrow.Float32(), length: numbers.length, nullCount: 0, data: numbers })
    return arrow.makeData({ type, length, child, ...nulls })
  }

  protected override copy(data: arrow.Data): void {
    const [numbers] = data.children
    if (numbers !== undefined) {
      this.reserve(data.length)
      this.numbers.set(
        (numbers.values as Float32Array).subarray(0, data.length * this.stride),
        this.length * this.stride,
      )
    }
    this.length += data.length
  }
}
