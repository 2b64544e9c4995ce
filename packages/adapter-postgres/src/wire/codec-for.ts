import type { Codec } from './codec.js'
import { arrayCodec } from './codecs/array-codec.js'
import { booleanCodec } from './codecs/boolean-codec.js'
import { bytesCodec } from './codecs/bytes-codec.js'
import { dateCodec } from './codecs/date-codec.js'
import { float4Codec, float8Codec } from './codecs/float-codecs.js'
import { int2Codec, int4Codec, int8Codec, oidCodec } from './codecs/integer-codecs.js'
import { intervalCodec } from './codecs/interval-codec.js'
import { type JsonForm, jsonCodec } from './codecs/json-codec.js'
import { numericCodec } from './codecs/numeric-codec.js'
import { type InvalidText, textCodec } from './codecs/text-codec.js'
import { timeCodec, timetzCodec } from './codecs/time-codecs.js'
import { timestampCodec } from './codecs/timestamp-codecs.js'
import { uuidCodec } from './codecs/uuid-codec.js'
import { vectorCodec } from './codecs/vector-codec.js'
import { elementOf, oids, type WireType } from './wire-type.js'

export interface CodecOptions {
  /** What json and jsonb columns are in records. @default 'value' */
  readonly json?: JsonForm
  /** U+0000 and halves of surrogate pairs, which Postgres cannot keep: refuse the record, or write an escape. @default 'refuse' */
  readonly invalidText?: InvalidText
}

/** The codec of a type; undefined if the wire has no binary form of it, and it travels as text. */
export function codecFor(type: WireType, options: CodecOptions = {}): Codec | undefined {
  const { json = 'value', invalidText = 'refuse' } = options
  const modifier = type.modifier ?? -1
  switch (type.base) {
    case oids.bool:
      return booleanCodec
    case oids.int2:
      return int2Codec
    case oids.int4:
      return int4Codec
    case oids.int8:
      return int8Codec
    case oids.oid:
      return oidCodec
    case oids.float4:
      return float4Codec
    case oids.float8:
      return float8Codec
    case oids.numeric:
      return numericCodec(modifier)
    case oids.text:
    case oids.varchar:
    case oids.bpchar:
    case oids.name:
    case 'enum':
      return textCodec(invalidText)
    case oids.bytea:
      return bytesCodec
    case oids.uuid:
      return uuidCodec
    case oids.json:
      return jsonCodec('json', json, invalidText)
    case oids.jsonb:
      return jsonCodec('jsonb', json, invalidText)
    case oids.date:
      return dateCodec
    case oids.time:
      return timeCodec(modifier)
    case oids.timetz:
      return timetzCodec(modifier)
    case oids.timestamp:
      return timestampCodec(false, modifier)
    case oids.timestamptz:
      return timestampCodec(true, modifier)
    case oids.interval:
      return intervalCodec
    case 'vector':
      return vectorCodec
    case 'array':
      return codecForArray(type, options)
    default:
      return undefined
  }
}

function codecForArray(type: WireType, options: CodecOptions): Codec | undefined {
  const element = elementOf(type)
  if (element === undefined) return undefined
  const codec = codecFor(element, options)
  const textCodec = codecFor(element, { ...options, json: 'text' })
  if (codec === undefined || textCodec === undefined) return undefined
  const isJson = element.base === oids.json || element.base === oids.jsonb
  return arrayCodec({ codec, textCodec, oid: element.oid, mayBeArray: isJson || element.base === 'vector' })
}
