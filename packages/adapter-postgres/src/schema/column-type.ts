import type { LogicalType } from '@drover/core'
import { oids, type WireType } from '../wire/wire-type.js'
import { type PostgresType, underDomains } from './read-types.js'

/** What the values of a column are. Types that no store but Postgres has travel as the text that Postgres prints. */
export function logicalType(declared: PostgresType, declaredModifier: number): LogicalType {
  const { type, modifier } = underDomains(declared, declaredModifier)
  if (type.element !== null) return { kind: 'list', of: logicalType(type.element, modifier) }
  switch (type.oid) {
    case oids.bool:
      return { kind: 'boolean' }
    case oids.int2:
      return { kind: 'int', bits: 16 }
    case oids.int4:
      return { kind: 'int', bits: 32 }
    case oids.int8:
    case oids.oid: // without a sign, in 32 bits
      return { kind: 'int', bits: 64 }
    case oids.numeric:
      return { kind: 'decimal', ...precisionOf(modifier) }
    case oids.float4:
      return { kind: 'float', bits: 32 }
    case oids.float8:
      return { kind: 'float', bits: 64 }
    case oids.bytea:
      return { kind: 'bytes' }
    case oids.date:
      return { kind: 'date' }
    case oids.time:
      return { kind: 'time' }
    case oids.timestamp:
      return { kind: 'timestamp', zone: false, digits: modifier === -1 ? 6 : modifier }
    case oids.timestamptz:
      return { kind: 'timestamp', zone: true, digits: modifier === -1 ? 6 : modifier }
    case oids.uuid:
      return { kind: 'uuid' }
    case oids.json:
    case oids.jsonb:
      return { kind: 'json' }
    default:
      // A column of vectors without a length may hold vectors of any.
      return isVector(type) ? { kind: 'vector', dimensions: Math.max(modifier, 0) } : { kind: 'text' }
  }
}

/** The form of a column's values in a COPY. */
export function wireTypeOf(declared: PostgresType, declaredModifier: number, name: string): WireType {
  const { type, modifier } = underDomains(declared, declaredModifier)
  const { oid } = declared
  if (type.element !== null) {
    const element = wireTypeOf(type.element, modifier, elementName(type.element))
    return { oid, base: 'array', name, modifier, element }
  }
  return { oid, base: baseOf(type), name, modifier }
}

function baseOf(type: PostgresType): WireType['base'] {
  if (type.kind === 'e') return 'enum'
  if (isVector(type)) return 'vector'
  // citext and the like.
  return type.send === 'textsend' || type.send.endsWith('citextsend') ? oids.text : type.oid
}

/** pgvector may be installed in any schema. */
function isVector({ name, send }: PostgresType): boolean {
  return name === 'vector' && /(?:^|\.)vector_send$/.test(send)
}

function elementName({ schema, name }: PostgresType): string {
  return schema === 'pg_catalog' || schema === 'public' ? name : `${schema}.${name}`
}

/** numeric packs both into its modifier; the scale has a sign since version 15: numeric_typmod_scale in numeric.c. */
function precisionOf(modifier: number): { readonly precision?: number; readonly scale?: number } {
  if (modifier < 4) return {}
  const packed = modifier - 4
  return { precision: (packed >> 16) & 0xffff, scale: ((packed & 0x7ff) ^ 1024) - 1024 }
}
