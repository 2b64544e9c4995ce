import { encodeJson } from '@drover/core'
import type { Codec } from '../wire/codec.js'
import { oids, type WireType } from '../wire/wire-type.js'

const texts: ReadonlySet<WireType['base']> = new Set([oids.text, oids.varchar, oids.bpchar, oids.name])
const integers: ReadonlySet<WireType['base']> = new Set([oids.int2, oids.int4, oids.int8])

/** A codec that converts values of another type, as an assignment in Postgres would, before it writes them. */
export function coercing(codec: Codec, { base }: WireType): Codec {
  const convert = texts.has(base) ? toText : integers.has(base) ? toInteger : undefined
  if (convert === undefined) return codec
  return {
    ...codec,
    encode: (value, out) => codec.encode(convert(value), out),
    text: (value) => codec.text(convert(value)),
  }
}

function toText(value: unknown): unknown {
  switch (typeof value) {
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'object':
      if (value instanceof Date) return value.toISOString()
      return value instanceof Uint8Array ? value : encodeJson(value, { values: 'plain' })
    default:
      return value
  }
}

function toInteger(value: unknown): unknown {
  if (typeof value === 'boolean') return value ? 1 : 0
  const number = typeof value === 'string' && /[.e]/i.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isFinite(number) || Number.isInteger(number)) return number
  return halfToEven(number)
}

/** As Postgres rounds a double: dtoi4() uses rint(). */
function halfToEven(value: number): number {
  const below = Math.floor(value)
  const rest = value - below
  if (rest !== 0.5) return Math.round(value)
  return below % 2 === 0 ? below : below + 1
}
