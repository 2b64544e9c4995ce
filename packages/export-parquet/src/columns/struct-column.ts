import { type Field, refuseType, shownValue, ValueRefused } from '@drover/core'
import * as arrow from 'apache-arrow'
import { ColumnBuilder, type Holding, type Nulls } from './column-builder.js'
import { unknownFields } from './unknown-fields.js'

export type StructType = { readonly kind: 'struct'; readonly fields: readonly Field[] }

/** Objects that all have the same fields. */
export class StructColumn extends ColumnBuilder<StructType> {
  readonly #names: ReadonlySet<string>

  constructor(
    holding: Holding<StructType>,
    private readonly children: readonly ColumnBuilder[],
  ) {
    super(holding)
    this.#names = new Set(holding.type.fields.map(({ name }) => name))
  }

  get valueBytes(): number {
    return this.children.reduce((sum, child) => sum + child.byteSize, 0)
  }

  protected put(value: unknown): void {
    if (!isRecord(value)) refuseType(value, 'objects')
    const unknown = unknownFields(value, this.#names)
    if (unknown !== undefined) {
      throw new ValueRefused(
        `${shownValue(value)} with another field, "${unknown}"`,
        "It would be dropped: leave it out in a step, or name the type in types: 'json', or a struct that has it.",
      )
    }
    for (const [place, { name }] of this.holding.type.fields.entries()) {
      this.children[place]?.value(Object.hasOwn(value, name) ? value[name] : null)
    }
    this.length++
  }

  protected skip(): void {
    for (const child of this.children) child.absent()
    this.length++
  }

  protected cut(length: number): void {
    for (const child of this.children) child.truncate(length)
  }

  protected data(from: number, nulls: Nulls): arrow.Data {
    const children = this.children.map((child) => child.toData(from))
    return arrow.makeData({ type: this.arrowType as arrow.Struct, length: this.length - from, children, ...nulls })
  }

  protected copy(data: arrow.Data): void {
    for (const [place, child] of this.children.entries()) child.appendData(data.children[place] as arrow.Data)
    this.length += data.length
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) return false
  return !(value instanceof Date || value instanceof Map || value instanceof Set)
}
