import { decodeJson, type LogicalType, type Row } from '@drover/core'
import * as arrow from 'apache-arrow'
import type { TablePlan } from '../column-plan.js'

/**
 * The records that an Arrow stream holds, read without any code of the builders. Integers are bigints, times and timestamps bigints of their
 * unit, dates days, decimals bigints of their last digit, bytes hexadecimal text.
 */
export function readBack(ipc: Uint8Array, plan: TablePlan): Row[] {
  const table = arrow.tableFromIPC(ipc)
  const rows = Array.from({ length: table.numRows }, (): Row => ({}))
  for (const [place, { name, type }] of plan.columns.entries()) {
    const [data] = table.getChildAt(place)?.data ?? []
    if (data !== undefined) for (const [i, row] of rows.entries()) row[name] = valueAt(data, type, i)
  }
  return rows
}

function valueAt(data: arrow.Data, type: LogicalType, at: number): unknown {
  if (!data.getValid(at)) return null
  switch (type.kind) {
    case 'boolean':
      return (((data.values[at >> 3] as number) >> (at & 7)) & 1) === 1
    case 'int':
      return BigInt(data.values[at] as number | bigint)
    case 'float':
      return data.values[at]
    case 'decimal':
      return wide(data.values as Uint32Array, at)
    case 'date':
      return data.values[at]
    case 'time':
    case 'timestamp':
      return data.values[at]
    case 'uuid':
      return Buffer.from(data.values.subarray(at * 16, at * 16 + 16)).toString('hex')
    case 'bytes':
      return Buffer.from(slice(data, at)).toString('hex')
    case 'text':
      return Buffer.from(slice(data, at)).toString()
    case 'json':
      return decodeJson(Buffer.from(slice(data, at)).toString(), 'plain')
    case 'vector':
      return Array.from(
        (data.children[0] as arrow.Data).values.subarray(at * type.dimensions, (at + 1) * type.dimensions),
      )
    case 'list':
      return items(data, type.of, at)
    case 'struct':
      return Object.fromEntries(
        type.fields.map((field, i) => [field.name, valueAt(data.children[i] as arrow.Data, field.type, at)]),
      )
    case 'any':
      throw new Error('There is no column of any type.')
  }
}

function slice(data: arrow.Data, at: number): Uint8Array {
  return (data.values as Uint8Array).subarray(data.valueOffsets[at] as number, data.valueOffsets[at + 1] as number)
}

function items(data: arrow.Data, of: LogicalType, at: number): unknown[] {
  const start = data.valueOffsets[at] as number
  const length = (data.valueOffsets[at + 1] as number) - start
  return Array.from({ length }, (_, i) => valueAt(data.children[0] as arrow.Data, of, start + i))
}

function wide(words: Uint32Array, at: number): bigint {
  let value = 0n
  for (let i = 3; i >= 0; i--) value = (value << 32n) | BigInt(words[at * 4 + i] as number)
  return BigInt.asIntN(128, value)
}
