import { type LogicalType, refuseType, ValueRefused } from '@drover/core'
import * as arrow from 'apache-arrow'
import { ColumnBuilder, type Holding, type Nulls } from './column-builder.js'
import { grown } from './grown.js'

export type ListType = { readonly kind: 'list'; readonly of: LogicalType }

/** Lists of any length, each item of which may be null; typed arrays are lists too. */
export class ListColumn extends ColumnBuilder<ListType> {
  /** Where the lists end among the items; the first number is 0. */
  #ends = new Int32Array(64)

  constructor(
    holding: Holding<ListType>,
    private readonly items: ColumnBuilder,
  ) {
    super(holding)
  }

  get valueBytes(): number {
    return this.items.byteSize + (this.length + 1) * 4
  }

  protected put(value: unknown): void {
    const isList =
      Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value && !(value instanceof Uint8Array))
    if (!isList) refuseType(value, 'arrays')
    const items = value as ArrayLike<unknown>
    for (let i = 0; i < items.length; i++) {
      try {
        this.items.value(items[i])
      } catch (error) {
        throw error instanceof ValueRefused ? error.within(`[${i}]`) : error
      }
    }
    this.#end()
  }

  #end(): void {
    if (++this.length === this.#ends.length) this.#ends = grown(this.#ends, this.length + 1)
    this.#ends[this.length] = this.items.length
  }

  protected skip(): void {
    this.#end()
  }

  protected cut(length: number): void {
    this.items.truncate(this.#ends[length] as number)
  }

  protected data(from: number, nulls: Nulls): arrow.Data {
    const start = this.#ends[from] as number
    const valueOffsets = this.#ends.slice(from, this.length + 1)
    for (let i = 0; i < valueOffsets.length; i++) valueOffsets[i] = (valueOffsets[i] as number) - start
    const type = this.arrowType as arrow.List
    return arrow.makeData({ type, length: this.length - from, valueOffsets, child: this.items.toData(start), ...nulls })
  }

  protected copy(data: arrow.Data): void {
    const [items] = data.children
    const before = this.items.length
    if (items !== undefined) this.items.appendData(items)
    const ends = data.valueOffsets as Int32Array
    const { length } = this
    if (length + data.length >= this.#ends.length) this.#ends = grown(this.#ends, length + data.length + 1)
    for (let i = 1; i <= data.length; i++) this.#ends[length + i] = before + (ends[i] as number)
    this.length += data.length
  }
}
