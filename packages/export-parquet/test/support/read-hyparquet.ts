import type { LogicalType, Row } from '@drover/core'
import { asyncBufferFromFile, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { columns, jsonOf } from './every-type.js'

/** Moments and days of statistics as they stand in the file. */
const asTheyAre = {
  timestampFromMilliseconds: (value: bigint) => value,
  timestampFromMicroseconds: (value: bigint) => value,
  timestampFromNanoseconds: (value: bigint) => value,
  dateFromDays: (value: number) => value,
}

export async function metadataBy(path: string): Promise<FileMetaData> {
  return parquetMetadataAsync(await asyncBufferFromFile(path), { parsers: asTheyAre })
}

/**
 * What hyparquet finds in a file, in the form of `physical`. It would make doubles of decimals and dates of microseconds, so it
 * is told nothing of annotations but which columns are lists; what they say is checked apart.
 */
export async function readByHyparquet(path: string): Promise<Row[]> {
  const metadata = await metadataBy(path)
  const bare = metadata.schema.map(({ logical_type: _, converted_type, ...element }) =>
    converted_type === 'LIST' ? { ...element, converted_type } : element,
  )
  const rows = await parquetReadObjects({
    file: await asyncBufferFromFile(path),
    metadata: { ...metadata, schema: bare },
    compressors,
    utf8: false,
  })
  return rows.map((row) =>
    Object.fromEntries([['id', row.id], ...columns.map(({ name, type }) => [name, found(row[name] ?? null, type)])]),
  )
}

function found(value: unknown, type: LogicalType): unknown {
  if (value === null || value === undefined) return null
  switch (type.kind) {
    case 'int':
    case 'date':
    case 'time':
    case 'timestamp':
      return BigInt(value as number | bigint)
    case 'decimal':
      return value instanceof Uint8Array ? signed(value) : BigInt(value as number | bigint)
    case 'text':
    case 'bytes':
      return Buffer.from(value as Uint8Array).toString('hex')
    case 'uuid':
      return Buffer.from(value as Uint8Array)
        .toString('hex')
        .replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5')
    case 'json':
      return jsonOf(Buffer.from(value as Uint8Array).toString())
    case 'list':
      return (value as unknown[]).map((item) => found(item, type.of))
    case 'struct':
      return Object.fromEntries(type.fields.map((field) => [field.name, found((value as Row)[field.name], field.type)]))
    case 'vector':
      return Array.from(value as Iterable<unknown>)
    default:
      return value
  }
}

/** Big-endian, two's complement. */
function signed(bytes: Uint8Array): bigint {
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString('hex')}`))
}
