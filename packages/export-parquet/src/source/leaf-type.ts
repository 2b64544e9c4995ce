import type { LogicalType } from '@drover/core'
import type { SchemaElement } from 'hyparquet'

interface LeafType {
  readonly type: LogicalType
  readonly native?: string
}

const text: LogicalType = { kind: 'text' }

/** What a leaf holds, by its annotation: the new one or the old one, and else by how it is stored. */
export function leafType(element: SchemaElement): LeafType {
  const { logical_type: logical, converted_type: converted } = element
  switch (logical?.type) {
    case 'STRING':
    case 'ENUM':
      return { type: text }
    case 'JSON':
      return { type: { kind: 'json' } }
    case 'UUID':
      return { type: { kind: 'uuid' } }
    case 'DATE':
      return { type: { kind: 'date' } }
    case 'TIME':
      return { type: { kind: 'time' } }
    case 'TIMESTAMP':
      return { type: { kind: 'timestamp', zone: logical.isAdjustedToUTC, digits: digitsOf[logical.unit] } }
    case 'DECIMAL':
      return { type: { kind: 'decimal', precision: logical.precision, scale: logical.scale } }
    case 'INTEGER':
      return integer(logical.bitWidth, logical.isSigned)
    case 'FLOAT16':
      return { type: { kind: 'float', bits: 32 }, native: 'FLOAT16' }
    // Every value of it is null.
    case 'NULL':
      return { type: text, native: 'NULL' }
    case 'BSON':
    case 'GEOMETRY':
    case 'GEOGRAPHY':
      return { type: { kind: 'bytes' }, native: logical.type }
  }
  switch (converted) {
    case 'UTF8':
    case 'ENUM':
      return { type: text }
    case 'JSON':
      return { type: { kind: 'json' } }
    case 'BSON':
    case 'INTERVAL':
      return { type: { kind: 'bytes' }, native: converted }
    case 'DATE':
      return { type: { kind: 'date' } }
    case 'TIME_MILLIS':
    case 'TIME_MICROS':
      return { type: { kind: 'time' } }
    // The old annotations say "adjusted to UTC": https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#timestamp
    case 'TIMESTAMP_MILLIS':
      return { type: { kind: 'timestamp', zone: true, digits: 3 } }
    case 'TIMESTAMP_MICROS':
      return { type: { kind: 'timestamp', zone: true, digits: 6 } }
    case 'DECIMAL':
      return { type: { kind: 'decimal', precision: element.precision ?? 38, scale: element.scale ?? 0 } }
    case 'INT_8':
    case 'INT_16':
    case 'INT_32':
    case 'INT_64':
      return integer(Number(converted.slice('INT_'.length)), true)
    case 'UINT_8':
    case 'UINT_16':
    case 'UINT_32':
    case 'UINT_64':
      return integer(Number(converted.slice('UINT_'.length)), false)
  }
  return plainType(element)
}

const digitsOf = { MILLIS: 3, MICROS: 6, NANOS: 9 } as const

function integer(bits: number, isSigned: boolean): LeafType {
  if (isSigned) return { type: { kind: 'int', bits: bits === 8 || bits === 16 || bits === 32 ? bits : 64 } }
  // The smallest signed type that holds all of them; what is beyond 2^63 is a bigint that an int64 of a store refuses.
  const type: LogicalType = { kind: 'int', bits: bits === 8 ? 16 : bits === 16 ? 32 : 64 }
  return { type, native: `UINT_${bits}` }
}

function plainType({ type }: SchemaElement): LeafType {
  switch (type) {
    case 'BOOLEAN':
      return { type: { kind: 'boolean' } }
    case 'INT32':
      return { type: { kind: 'int', bits: 32 } }
    case 'INT64':
      return { type: { kind: 'int', bits: 64 } }
    // What Spark and Impala wrote before there was a type for it; the zone is unknown.
    case 'INT96':
      return { type: { kind: 'timestamp', zone: false, digits: 9 }, native: 'INT96' }
    case 'FLOAT':
      return { type: { kind: 'float', bits: 32 } }
    case 'DOUBLE':
      return { type: { kind: 'float', bits: 64 } }
    default:
      return { type: { kind: 'bytes' } }
  }
}
