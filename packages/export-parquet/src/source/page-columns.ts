import { columnValues } from './assemble.js'
import type { ColumnNode, ListNode } from './column-node.js'
import { damaged } from './damaged.js'
import type { GroupSlice } from './group-reader.js'
import type { LeafRun } from './leaf-reader.js'
import { Unreadable } from './leaf-values.js'

/** A field of the records of a file: a column of it, or one value for all of them. */
export interface FileField {
  readonly name: string
  readonly node: ColumnNode | null
  readonly constant: unknown
}

/** The values of one field for the records of a page; made when they are asked for, and forgotten when told. */
export class PageColumn {
  #values: unknown[] | undefined

  constructor(
    private readonly field: FileField,
    private readonly slice: GroupSlice,
    private readonly where: string,
  ) {}

  get name(): string {
    return this.field.name
  }

  values(): readonly unknown[] {
    this.#values ??= this.#make()
    return this.#values
  }

  forget(): void {
    this.#values = undefined
  }

  #make(): unknown[] {
    const { node, constant } = this.field
    const { runs, count } = this.slice
    if (node === null) return new Array(count).fill(constant)
    try {
      if (node.kind === 'list' && node.type.kind === 'vector') return vectors(node, node.type.dimensions, runs, count)
      return columnValues(node, runs, count)
    } catch (error) {
      throw damaged(`${this.where}, column "${this.name}"`, error)
    }
  }
}

/** Lists of floats as vectors, without lists in between. */
function vectors(
  node: ListNode,
  dimensions: number,
  runs: ReadonlyMap<number, readonly LeafRun[]>,
  count: number,
): unknown[] {
  if (node.item.kind !== 'leaf') throw new Error('a vector is a list of numbers')
  const leaf = node.item
  const made: unknown[] = []
  let vector: Float32Array | null = null
  let length = 0
  const end = (): void => {
    if (vector !== null && length !== dimensions) made[made.length - 1] = wrongVector(length, dimensions)
  }
  for (const { page, from, to, place } of runs.get(leaf.index) ?? []) {
    let value = place
    for (let i = from; i < to; i++) {
      const definition = page.definitions?.[i] ?? leaf.defined
      if (page.repetitions === null || page.repetitions[i] === 0) {
        end()
        length = 0
        vector = definition < node.present ? null : new Float32Array(dimensions)
        made.push(vector)
        if (definition < node.filled) continue
      }
      // As DuckDB writes null: an entry for every item that it would have.
      if (vector === null && definition < node.filled) continue
      if (vector === null) throw new Error('its columns end at different records')
      // A null inside makes it none: as if it had too many.
      if (definition === leaf.defined) vector[length++] = page.value(value++) as number
      else length = Number.NaN
    }
  }
  end()
  if (made.length !== count) throw new Error(`it has ${made.length} of ${count} values`)
  return made
}

function wrongVector(length: number, dimensions: number): Unreadable {
  return new Unreadable(
    Number.isNaN(length)
      ? 'holds a vector with a null inside'
      : `holds a vector of ${length} instead of ${dimensions} numbers`,
  )
}
