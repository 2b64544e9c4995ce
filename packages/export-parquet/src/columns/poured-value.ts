import { decodeJson, type LogicalType } from '@drover/core'
import { dateText, timestampText, timeText } from './calendar.js'

// A page gives values in forms that spare it making JavaScript values of them. A column that holds another type than the page's
// is given what the page's records would hold.

/** A small integer, or the day of a date. */
export function small(value: number, from: LogicalType): unknown {
  return from.kind === 'date' ? dateText(value) : value
}

/** `number` if it is safe, else `bigint`. */
export function whole(low: number, high: number): number | bigint {
  const lower = low >>> 0
  if (high < 0x200000 && (high > -0x200000 || (high === -0x200000 && lower > 0))) return high * 0x100000000 + lower
  return (BigInt(high) << 32n) + BigInt(lower)
}

export function moment(micros: number, from: LogicalType): string {
  return from.kind === 'time' ? timeText(micros) : timestampText(micros, from.kind === 'timestamp' && from.zone)
}

export function bytesOrText(from: Uint8Array, start: number, end: number, type: LogicalType): unknown {
  switch (type.kind) {
    case 'bytes':
      return from.slice(start, end)
    case 'uuid':
      return uuidText(from, start)
    case 'json':
      return decodeJson(utf8(from, start, end), 'plain') ?? jsonNull
    default:
      return utf8(from, start, end)
  }
}

/** JSON's own null, which is a value: `encodeJson` writes it. */
const jsonNull = Object.freeze(
  new (class JsonNull {
    toJSON(): null {
      return null
    }
  })(),
)

function utf8(from: Uint8Array, start: number, end: number): string {
  return Buffer.from(from.buffer, from.byteOffset + start, end - start).toString()
}

function uuidText(from: Uint8Array, start: number): string {
  const hex = Buffer.from(from.buffer, from.byteOffset + start, 16).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
