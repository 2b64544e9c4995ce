import { refuseType } from '@drover/core'
import * as arrow from 'apache-arrow'
import { bitAt, packBits } from './bits.js'
import type { Holding, Nulls } from './column-builder.js'
import { FixedColumn } from './fixed-columns.js'

type BooleanType = { readonly kind: 'boolean' }

/** A byte for each value, packed into bits when it is given away. */
export class BooleanColumn extends FixedColumn<BooleanType, Uint8Array> {
  constructor(holding: Holding<BooleanType>) {
    super(holding, new Uint8Array(0))
  }

  override get valueBytes(): number {
    return (this.length + 7) >> 3
  }

  override boolean(value: boolean): void {
    this.reserve()
    this.numbers[this.length++] = value ? 1 : 0
  }

  protected put(value: unknown): void {
    if (typeof value === 'boolean') this.boolean(value)
    // Stores without booleans keep 0 and 1.
    else if (this.holding.isNamed && (value === 0 || value === 0n) && !Object.is(value, -0)) this.boolean(false)
    else if (this.holding.isNamed && (value === 1 || value === 1n)) this.boolean(true)
    else refuseType(value, this.holding.isNamed ? 'true and false, 1 and 0' : 'true and false')
  }

  protected override data(from: number, nulls: Nulls): arrow.Data {
    const length = this.length - from
    const data = packBits(this.numbers, from, length, 1)
    return arrow.makeData({ type: new arrow.Bool(), length, data, ...nulls })
  }

  protected override copy(data: arrow.Data): void {
    this.reserve(data.length)
    for (let i = 0; i < data.length; i++) this.numbers[this.length + i] = bitAt(data.values as Uint8Array, i)
    this.length += data.length
  }
}
