import { formatInstant, instantOfDate, parseInstant, shown } from '@drover/core'
import type { ColumnPlan } from '../columns/column-plan.js'

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const timePattern = /^([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,6}))?$/
const decimalPattern = /^([+-]?)0*(\d+)(?:\.(\d+))?$/
const surrogate = /\p{Surrogate}/u

/** A value that cannot name a folder; the message says what it is. */
export class NoFolder extends Error {}

/** The one text of a value of a partition column, so that equal values get one folder. @throws `NoFolder` */
export function partitionText(value: unknown, column: ColumnPlan): string | null {
  if (value === null || value === undefined) {
    if (column.nullable) return null
    throw new NoFolder('null, and the column is never null')
  }
  const text = textOf(value, column)
  if (text === undefined) throw new NoFolder(`${shown(value)}, which is no ${nameOf(column)}`)
  return text
}

function nameOf({ type }: ColumnPlan): string {
  if (type.kind === 'int') return `integer of ${type.bits} bits`
  if (type.kind === 'decimal') return `decimal of ${type.precision} digits, ${type.scale} of them behind the point`
  if (type.kind === 'timestamp') return `timestamp of ${type.digits} digits ${type.zone ? 'with' : 'without'} a zone`
  return type.kind
}

function textOf(value: unknown, { type, from }: ColumnPlan): string | undefined {
  switch (type.kind) {
    case 'boolean':
      return typeof value === 'boolean' ? String(value) : undefined
    case 'int':
      return intText(value, type.bits, from !== undefined)
    case 'decimal':
      return decimalText(value, type.precision ?? 38, type.scale ?? 0)
    case 'text':
      if (typeof value === 'string') return surrogate.test(value) ? undefined : value
      return from !== undefined && ['number', 'bigint', 'boolean'].includes(typeof value) ? String(value) : undefined
    case 'uuid':
      return typeof value === 'string' && uuidPattern.test(value) ? value.toLowerCase() : undefined
    case 'date':
      return dateText(value)
    case 'time':
      return timeText(value)
    case 'timestamp':
      return timestampText(value, type.digits, type.zone)
    default:
      return undefined
  }
}

function intText(value: unknown, bits: number, coerces: boolean): string | undefined {
  const isInteger = typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value))
  const isText = coerces && typeof value === 'string' && /^-?\d{1,20}$/.test(value)
  if (!isInteger && !isText) return undefined
  const integer = BigInt(value as number | bigint | string)
  return BigInt.asIntN(bits, integer) === integer ? String(integer) : undefined
}

function decimalText(value: unknown, precision: number, scale: number): string | undefined {
  if (!['string', 'number', 'bigint'].includes(typeof value)) return undefined
  const [, sign, whole = '', fraction = ''] = decimalPattern.exec(String(value)) ?? []
  const kept = fraction.replace(/0+$/, '')
  const digits = whole === '0' ? 0 : whole.length
  if (sign === undefined || kept.length > scale || digits > precision - scale) return undefined
  const text = scale === 0 ? whole : `${whole}.${kept.padEnd(scale, '0')}`
  return sign === '-' && /[1-9]/.test(text) ? `-${text}` : text
}

function dateText(value: unknown): string | undefined {
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime()) || value.getTime() % 86_400_000 !== 0) return undefined
    return dateText(value.toISOString().slice(0, -'T00:00:00.000Z'.length))
  }
  return typeof value === 'string' && value.length === 10 && parseInstant(value)?.form === 'date' ? value : undefined
}

function timeText(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const [, hours, minutes, seconds, fraction = ''] = timePattern.exec(value) ?? []
  if (hours === undefined) return undefined
  const kept = fraction.replace(/0+$/, '')
  return `${hours}:${minutes}:${seconds}${kept === '' ? '' : `.${kept}`}`
}

function timestampText(value: unknown, digits: number, zone: boolean): string | undefined {
  if (value instanceof Date && !Number.isNaN(value.getTime())) {
    return withZone(formatInstant(instantOfDate(value)), digits, zone)
  }
  if (typeof value !== 'string') return undefined
  const instant = parseInstant(value)
  if (instant === null || instant.form !== 'date-time' || instant.zoned !== zone) return undefined
  return withZone(formatInstant(instant), digits, zone)
}

/** Undefined if it is finer than the column, or of a year that not every reader shows. */
function withZone(text: string, digits: number, zone: boolean): string | undefined {
  const fraction = (text.split('.')[1] ?? 'Z').slice(0, -1).replace(/0+$/, '')
  if (fraction.length > digits || !/^\d{4}-/.test(text)) return undefined
  return zone ? text : text.slice(0, -1)
}
