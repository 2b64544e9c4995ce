import type { ColumnWriter } from '@drover/core'
import type { Codec } from './codec.js'
import { codecFor } from './codec-for.js'
import { readInt32 } from './codecs/integer-codecs.js'
import { oids, type WireType } from './wire-type.js'

/** Gives the value of the bytes `[at, at + length)` to a writer, in the form that it takes it in. */
export type PourValue = (bytes: Buffer, at: number, length: number, into: ColumnWriter) => void

/** How values of a type are poured; `codec` decodes those that go as records hold them. */
export function pourValue(type: WireType, codec: Codec): PourValue {
  switch (type.base) {
    case oids.bool:
      return pourBoolean
    case oids.int2:
      return pourInt2
    case oids.int4:
      return pourInt4
    case oids.int8:
      return pourInt8
    case oids.oid:
      return pourOid
    case oids.float4:
      return pourFloat4
    case oids.float8:
      return pourFloat8
    case oids.date:
      return pourDate(codec)
    case oids.time:
      return pourTime
    case oids.timestamp:
    case oids.timestamptz:
      return pourTimestamp(codec)
    case oids.text:
    case oids.varchar:
    case oids.bpchar:
    case oids.name:
    case 'enum':
    case oids.json:
    case oids.bytea:
    case oids.uuid:
      return pourBytes
    case oids.jsonb:
      return pourJsonb
    default:
      return codec.problem === undefined ? pourDecoded(codec) : pourDoubtful(codec, type)
  }
}

/** Days and microseconds from 1970-01-01 to 2000-01-01, where those of Postgres begin. */
const daysTo2000 = 10_957
const microsTo2000 = 946_684_800_000_000

const pourBoolean: PourValue = (bytes, at, _, into) => into.boolean(bytes[at] === 1)

const pourInt2: PourValue = (bytes, at, _, into) =>
  into.int32((((bytes[at] as number) << 24) >> 16) | (bytes[at + 1] as number))

const pourInt4: PourValue = (bytes, at, _, into) => into.int32(readInt32(bytes, at))

const pourInt8: PourValue = (bytes, at, _, into) => into.int64(readInt32(bytes, at + 4), readInt32(bytes, at))

/** It has no sign, and is described as an integer of 64 bits. */
const pourOid: PourValue = (bytes, at, _, into) => into.int64(readInt32(bytes, at), 0)

const pourFloat4: PourValue = (bytes, at, _, into) => into.float64(bytes.readFloatBE(at))

const pourFloat8: PourValue = (bytes, at, _, into) => into.float64(bytes.readDoubleBE(at))

const pourTime: PourValue = (bytes, at, _, into) =>
  into.micros(readInt32(bytes, at) * 0x100000000 + (readInt32(bytes, at + 4) >>> 0))

const pourBytes: PourValue = (bytes, at, length, into) => into.bytes(bytes, at, at + length)

/** jsonb_send() puts the number of its format in front of the text. */
const pourJsonb: PourValue = (bytes, at, length, into) => into.bytes(bytes, at + 1, at + length)

/** The two infinities are the ends of what 32 bits hold. */
function pourDate(codec: Codec): PourValue {
  return (bytes, at, length, into) => {
    const day = readInt32(bytes, at)
    if (day === 0x7fffffff || day === -0x80000000) into.value(codec.decode(bytes, at, length))
    else into.int32(day + daysTo2000)
  }
}

function pourTimestamp(codec: Codec): PourValue {
  return (bytes, at, length, into) => {
    // Both numbers of the first sum end in many zero bits: nothing is rounded that is not beyond the bound anyway.
    const micros = readInt32(bytes, at) * 0x100000000 + microsTo2000 + (readInt32(bytes, at + 4) >>> 0)
    if (micros <= Number.MAX_SAFE_INTEGER && micros >= Number.MIN_SAFE_INTEGER) into.micros(micros)
    else into.value(codec.decode(bytes, at, length))
  }
}

function pourDecoded(codec: Codec): PourValue {
  return (bytes, at, length, into) => into.value(codec.decode(bytes, at, length))
}

/** What a page that is taken as it came has, and others reject, goes as text. */
function pourDoubtful(codec: Codec, type: WireType): PourValue {
  const asText = codecFor(type, { json: 'text' }) ?? codec
  return (bytes, at, length, into) =>
    into.value((codec.problem?.(bytes, at, length) === undefined ? codec : asText).decode(bytes, at, length))
}
