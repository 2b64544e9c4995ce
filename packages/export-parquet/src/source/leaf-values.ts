import { isUtf8 } from 'node:buffer'
import { decodeJson, type LogicalType } from '@drover/core'
import type { SchemaElement } from 'hyparquet'
import type { BytesValues, PhysicalValues } from './physical-values.js'
import { dateText, splitDays, timestampText, timeText } from './time-text.js'

/** Gives the value at a place. */
export type ValueReader = (place: number) => unknown

/** Stands in the place of a value that cannot be decoded; its record is rejected. */
export class Unreadable {
  constructor(readonly reason: string) {}
}

/** Readies the values of a page: what they are is found out once. `type` as it is described. */
export function valueReader(values: PhysicalValues, type: LogicalType, element: SchemaElement): ValueReader {
  switch (values.kind) {
    case 'boolean':
      return (i) => values.values[i] === 1
    case 'float':
      return (i) => values.values[i]
    case 'int32':
      return int32Reader(values.values, type, element)
    case 'int64':
      return int64Reader(values.halves, type, element)
    default:
      return bytesReader(values, type, element)
  }
}

/** Whether values of it may be given twice: nobody can change them. */
export function isImmutable({ kind }: LogicalType): boolean {
  return kind !== 'bytes' && kind !== 'json'
}

function int32Reader(values: Int32Array, type: LogicalType, element: SchemaElement): ValueReader {
  switch (type.kind) {
    case 'date':
      return (i) => dateText(values[i] as number)
    case 'time':
      return (i) => timeOfDay(values[i] as number, 3)
    case 'decimal':
      return (i) => decimalText(String(values[i]), scaleOf(element))
    default:
      return isUnsigned(element) ? (i) => (values[i] as number) >>> 0 : (i) => values[i]
  }
}

function int64Reader(halves: Int32Array, type: LogicalType, element: SchemaElement): ValueReader {
  const low = (i: number): number => halves[i * 2] as number
  const high = (i: number): number => halves[i * 2 + 1] as number
  switch (type.kind) {
    case 'timestamp': {
      const digits = digitsOf(element)
      return (i) => {
        const { day, units } = splitDays(low(i), high(i), digits)
        return timestampText(day, units, digits, type.zone)
      }
    }
    case 'time': {
      const digits = digitsOf(element)
      return (i) => timeOfDay(high(i) * 2 ** 32 + (low(i) >>> 0), digits)
    }
    case 'decimal':
      return (i) => decimalText(String(integer(low(i), high(i), false)), scaleOf(element))
    default: {
      const unsigned = isUnsigned(element)
      return (i) => integer(low(i), high(i), unsigned)
    }
  }
}

function bytesReader(values: BytesValues, type: LogicalType, element: SchemaElement): ValueReader {
  const { bytes, starts, ends } = values
  const at = (i: number): Uint8Array => bytes.subarray(starts[i], ends[i])
  switch (type.kind) {
    case 'text':
      return (i) => textOf(bytes, starts[i] as number, ends[i] as number)
    case 'json':
      return (i) => jsonOf(textOf(bytes, starts[i] as number, ends[i] as number))
    case 'uuid':
      return (i) => uuidOf(bytes, starts[i] as number, ends[i] as number)
    case 'decimal':
      return (i) => decimalText(String(bigEndian(at(i))), scaleOf(element))
    case 'timestamp':
      return (i) => int96Of(bytes, starts[i] as number, type.zone)
    case 'float':
      return (i) => float16(bytes.readUInt16LE(starts[i] as number))
    default:
      // A copy: the page is let go, and whoever changes a value changes no other.
      return (i) => new Uint8Array(at(i))
  }
}

/** A whole number as records hold it. */
export function integer(low: number, high: number, isUnsigned: boolean): number | bigint {
  const top = isUnsigned ? high >>> 0 : high
  const value = top * 2 ** 32 + (low >>> 0)
  return Number.isSafeInteger(value) ? value : (BigInt(top) << 32n) | BigInt(low >>> 0)
}

export function isUnsigned({ converted_type, logical_type }: SchemaElement): boolean {
  return (converted_type?.startsWith('UINT_') ?? false) || (logical_type?.type === 'INTEGER' && !logical_type.isSigned)
}

/** Digits of a second in its unit. */
export function digitsOf({ converted_type, logical_type }: SchemaElement): number {
  if (logical_type?.type === 'TIMESTAMP' || logical_type?.type === 'TIME') {
    return logical_type.unit === 'MILLIS' ? 3 : logical_type.unit === 'MICROS' ? 6 : 9
  }
  return converted_type === 'TIMESTAMP_MILLIS' || converted_type === 'TIME_MILLIS' ? 3 : 6
}

function scaleOf({ logical_type, scale }: SchemaElement): number {
  return (logical_type?.type === 'DECIMAL' ? logical_type.scale : scale) ?? 0
}

function timeOfDay(units: number, digits: number): string | Unreadable {
  if (units >= 0 && units <= 86_400 * 10 ** digits) return timeText(units, digits)
  return new Unreadable('holds a time outside of a day')
}

/** The digits with the point where the scale puts it. */
function decimalText(digits: string, scale: number): string {
  if (scale <= 0) return scale === 0 || digits === '0' ? digits : digits + '0'.repeat(-scale)
  const sign = digits.startsWith('-') ? '-' : ''
  const plain = digits.slice(sign.length).padStart(scale + 1, '0')
  return `${sign}${plain.slice(0, -scale)}.${plain.slice(-scale)}`
}

function bigEndian(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`))
}

/** U+FFFD stands for what is no UTF-8, unless it was written. */
function textOf(bytes: Buffer, start: number, end: number): string | Unreadable {
  const text = bytes.toString('utf8', start, end)
  if (!text.includes('\ufffd') || isUtf8(bytes.subarray(start, end))) return text
  return new Unreadable('holds a text that is not valid UTF-8')
}

function jsonOf(text: string | Unreadable): unknown {
  if (text instanceof Unreadable) return text
  try {
    return decodeJson(text, 'plain')
  } catch {
    // What the parser says quotes the text, which may be nobody's business.
    return new Unreadable('holds a text that is no valid JSON')
  }
}

function uuidOf(bytes: Buffer, start: number, end: number): string {
  if (end - start !== 16) throw new Error(`a UUID has 16 bytes, not ${end - start}`)
  const hex = bytes.toString('hex', start, end)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** Nanoseconds of the day, then the Julian day. */
function int96Of(bytes: Buffer, start: number, isUtc: boolean): string | Unreadable {
  const nanos = bytes.readUInt32LE(start) + bytes.readInt32LE(start + 4) * 2 ** 32
  if (nanos < 0 || nanos >= 86_400e9) return new Unreadable('holds a time outside of a day')
  return timestampText(bytes.readInt32LE(start + 8) - 2_440_588, nanos, 9, isUtc)
}

function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  if (exponent === 0) return sign * fraction * 2 ** -24
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}
