import type { LogicalType } from '@drover/core'

/** What stands for a value that a column must refuse. */
export const refusedValue = Symbol('refused')

/**
 * What has to come back of a value, in the forms of `readBack`; `refusedValue` if the column cannot hold it. For types that nobody named.
 * Made of the language's own means, and in other ways than the columns are.
 */
export function exactly(type: LogicalType, value: unknown): unknown {
  if (value === null || value === undefined) return null
  switch (type.kind) {
    case 'boolean':
      return typeof value === 'boolean' ? value : refusedValue
    case 'int':
      return integer(value, type.bits)
    case 'float':
      return float(value, type.bits)
    case 'decimal':
      return decimal(value, type.precision ?? 0, type.scale ?? 0)
    case 'text':
      return typeof value === 'string' && !/\p{Surrogate}/u.test(value) ? value : refusedValue
    case 'bytes':
      return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : refusedValue
    case 'uuid':
      return typeof value === 'string' && uuid.test(value) ? value.replaceAll('-', '').toLowerCase() : refusedValue
    case 'date':
      return day(value)
    case 'time':
      return time(value)
    case 'timestamp':
      return timestamp(value, type.zone, type.digits <= 3 ? 3 : type.digits <= 6 ? 6 : 9)
    case 'vector':
      return vector(value, type.dimensions)
    case 'list':
      return list(value, type.of)
    case 'struct':
      return struct(value, type)
    default:
      throw new Error(`There is no rule for ${type.kind}.`)
  }
}

const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i

function integer(value: unknown, bits: number): unknown {
  const isWhole = typeof value === 'bigint' || (Number.isSafeInteger(value) && !Object.is(value, -0))
  if (!isWhole) return refusedValue
  const whole = BigInt(value as number)
  return BigInt.asIntN(bits, whole) === whole ? whole : refusedValue
}

function float(value: unknown, bits: 32 | 64): unknown {
  if (typeof value === 'bigint') {
    return BigInt.asIntN(1024, value) === value && BigInt(Number(value)) === value
      ? float(Number(value), bits)
      : refusedValue
  }
  if (typeof value !== 'number') return refusedValue
  return bits === 64 || Object.is(Math.fround(value), value) ? value : refusedValue
}

function decimal(value: unknown, precision: number, scale: number): unknown {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') return refusedValue
  const text = Object.is(value, -0) ? '-0' : String(value)
  const found = /^([-+]?)(?=\.?\d)(\d*)\.?(\d*)(?:e([-+]?\d+))?$/i.exec(text)
  if (found === null) return refusedValue
  const [, sign, whole = '', fraction = '', exponent = '0'] = found
  const digits = BigInt(`0${whole}${fraction}`)
  const places = scale - fraction.length + Number(exponent)
  const power = 10n ** BigInt(Math.abs(places))
  if (places < 0 && digits % power !== 0n) return refusedValue
  const units = places < 0 ? digits / power : digits * power
  if (units >= 10n ** BigInt(precision) || (units === 0n && sign === '-')) return refusedValue
  return sign === '-' ? -units : units
}

const iso =
  /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?: ?([Zz]|[-+]\d\d(?::?\d\d(?::\d\d)?)?))?)?$/

function day(value: unknown): unknown {
  if (value instanceof Date)
    return value.getTime() % 86_400_000 === 0 && inYears(value.getTime()) ? value.getTime() / 86_400_000 : refusedValue
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value)) return refusedValue
  const millis = midnight(value)
  return Number.isNaN(millis) || !inYears(millis) ? refusedValue : millis / 86_400_000
}

/** NaN for a day that is none: JavaScript takes the 30th of February for one in March. */
function midnight(date: string): number {
  const found = new Date(`${date}T00:00:00Z`)
  return !Number.isNaN(found.getTime()) && found.toISOString().startsWith(date) ? found.getTime() : Number.NaN
}

function inYears(millis: number): boolean {
  return millis >= Date.parse('0001-01-01T00:00:00Z') && millis <= Date.parse('9999-12-31T23:59:59.999Z')
}

function time(value: unknown): unknown {
  const found =
    typeof value === 'string' ? /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,6})0{0,3})?)?$/.exec(value) : null
  if (found === null || (value as string).length > 18) return refusedValue
  const seconds = Number(found[1]) * 3600 + Number(found[2]) * 60 + Number(found[3] ?? 0)
  return BigInt(seconds) * 1_000_000n + BigInt((found[4] ?? '').padEnd(6, '0'))
}

function timestamp(value: unknown, zone: boolean, digits: number): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? refusedValue : units(value.getTime(), '', digits)
  const found = typeof value === 'string' ? iso.exec(value) : null
  const [, date = '', clock, second = '00', fraction = '', offset] = found ?? []
  if (found === null || clock === undefined || (offset !== undefined) !== zone) return refusedValue
  const [hours, minutes] = clock.split(':').map(Number) as [number, number]
  const isEndOfDay = clock === '24:00' && Number(second) === 0 && Number(fraction) === 0
  if ((hours > 23 && !isEndOfDay) || minutes > 59 || Number(second) > 59) return refusedValue
  const east = /^([-+])(\d\d):?(\d\d)?:?(\d\d)?$/.exec(offset ?? '')
  if (Number(east?.[2] ?? 0) > 23 || Number(east?.[3] ?? 0) > 59 || Number(east?.[4] ?? 0) > 59) return refusedValue
  const ahead = Number(east?.[2] ?? 0) * 3600 + Number(east?.[3] ?? 0) * 60 + Number(east?.[4] ?? 0)
  const seconds = hours * 3600 + minutes * 60 + Number(second) - (east?.[1] === '-' ? -ahead : ahead)
  return units(midnight(date) + seconds * 1000, fraction, digits)
}

function units(millis: number, fraction: string, digits: number): unknown {
  if (Number.isNaN(millis) || !inYears(millis)) return refusedValue
  const nanos = BigInt(millis) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
  const unit = 10n ** BigInt(9 - digits)
  return nanos % unit === 0n && BigInt.asIntN(64, nanos / unit) === nanos / unit ? nanos / unit : refusedValue
}

function vector(value: unknown, dimensions: number): unknown {
  const isNumbers = Array.isArray(value) || value instanceof Float32Array || value instanceof Float64Array
  if (!isNumbers || value.length !== dimensions) return refusedValue
  const numbers = Array.from(value, (one: unknown) => (typeof one === 'number' ? float(one, 32) : refusedValue))
  return numbers.includes(refusedValue) ? refusedValue : numbers
}

function list(value: unknown, of: LogicalType): unknown {
  const isList = Array.isArray(value) || value instanceof Float32Array || value instanceof Float64Array
  if (!isList) return refusedValue
  const items = Array.from(value, (item: unknown) => exactly(of, item))
  return items.includes(refusedValue) ? refusedValue : items
}

function struct(value: unknown, { fields }: LogicalType & { kind: 'struct' }): unknown {
  if (Object.prototype.toString.call(value) !== '[object Object]') return refusedValue
  const record = value as Record<string, unknown>
  const hasOthers = Object.keys(record).some(
    (name) => record[name] !== undefined && !fields.some((field) => field.name === name),
  )
  const values = fields.map(({ name, type, nullable }) => {
    const back = exactly(type, record[name])
    return [name, back === null && !nullable ? refusedValue : back] as const
  })
  return hasOthers || values.some(([, back]) => back === refusedValue) ? refusedValue : Object.fromEntries(values)
}
