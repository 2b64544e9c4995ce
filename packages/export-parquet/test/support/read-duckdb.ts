import type { LogicalType, Row } from '@drover/core'
import { DuckDBInstance, type DuckDBListValue } from '@duckdb/node-api'
import { columns, jsonOf, type TypedColumn, unitOf } from './every-type.js'

/** Rows of a statement, by column names. */
export async function duckdb(sql: string): Promise<Row[]> {
  const instance = await DuckDBInstance.create()
  const connection = await instance.connect()
  try {
    return (await connection.runAndReadAll(sql)).getRowObjects() as Row[]
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** What DuckDB finds in a file, in the form of `physical`. */
export async function readByDuckdb(path: string): Promise<Row[]> {
  const read = columns.filter(({ isBeyondDuckdb }) => !isBeyondDuckdb)
  const expressions = read.map((column) => `${expressionOf(column)} AS "${column.name}"`)
  const rows = await duckdb(`SELECT id, ${expressions.join(', ')} FROM read_parquet('${path}') ORDER BY id`)
  return rows.map((row) =>
    Object.fromEntries([['id', row.id], ...read.map(({ name, type }) => [name, found(row[name], type)])]),
  )
}

/** In a form in which the driver gives the value whole. */
function expressionOf({ name, type }: TypedColumn): string {
  switch (type.kind) {
    case 'text':
    case 'bytes':
      return `hex("${name}")`
    case 'date':
      return `"${name}" - DATE '1970-01-01'`
    case 'time':
      return `date_diff('microsecond', TIME '00:00:00', "${name}")`
    case 'timestamp':
      return `epoch_${{ 3: 'ms', 6: 'us', 9: 'ns' }[unitOf(type.digits)]}("${name}")`
    case 'boolean':
    case 'float':
    case 'vector':
      return `"${name}"`
    case 'list':
    case 'struct':
      return `to_json("${name}")::VARCHAR`
    default:
      return `"${name}"::VARCHAR`
  }
}

function found(value: unknown, type: LogicalType): unknown {
  if (value === null) return null
  switch (type.kind) {
    case 'decimal':
      return BigInt(String(value).replace('.', ''))
    case 'int':
    case 'date':
    case 'time':
    case 'timestamp':
      return BigInt(value as string | bigint)
    case 'text':
    case 'bytes':
      return String(value).toLowerCase()
    case 'json':
      return jsonOf(value)
    case 'list':
    case 'struct':
      return inner(jsonOf(value), type)
    case 'vector':
      return (value as DuckDBListValue).items
    default:
      return value
  }
}

function inner(value: unknown, type: LogicalType): unknown {
  if (value === null || value === undefined) return null
  switch (type.kind) {
    case 'int':
      return BigInt(value as number | bigint)
    case 'text':
      return Buffer.from(value as string).toString('hex')
    case 'list':
      return (value as unknown[]).map((item) => inner(item, type.of))
    case 'struct':
      return Object.fromEntries(type.fields.map((field) => [field.name, inner((value as Row)[field.name], field.type)]))
    default:
      return value
  }
}
