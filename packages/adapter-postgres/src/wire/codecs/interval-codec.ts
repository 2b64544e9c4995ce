import { refuseType, shownValue, ValueRefused } from '@drover/core'
import type { Codec } from '../codec.js'
import { fractionText } from './calendar.js'
import { readInt32 } from './integer-codecs.js'

/**
 * ISO 8601 as Postgres prints it with `intervalstyle = iso_8601`, which is exact: `P1Y2M3DT4H5M6.789S`, `P-1Y-2M3DT-4H`.
 * Postgres reads it whatever its style is. Months, days and time are apart, each with its own sign; `infinity` since
 * version 17. Written are also texts of the style `postgres`: `1 year 2 mons -3 days +04:05:06.789`.
 */
export const intervalCodec: Codec = {
  decode: (bytes, at) =>
    shown({ micros: bytes.readBigInt64BE(at), days: readInt32(bytes, at + 8), months: readInt32(bytes, at + 12) }),
  encode(value, out) {
    const { micros, days, months } = intervalFor(value)
    out.reserve(16)
    out.at = out.bytes.writeBigInt64BE(micros, out.at)
    out.int32(days)
    out.int32(months)
  },
  text: (value) => shown(intervalFor(value)),
}

interface Interval {
  readonly months: number
  readonly days: number
  readonly micros: bigint
}

const mostMicros = 2n ** 63n - 1n
const most = 0x7fffffff
const infinity: Interval = { months: most, days: most, micros: mostMicros }
const minusInfinity: Interval = { months: -most - 1, days: -most - 1, micros: -mostMicros - 1n }

function shown(interval: Interval): string {
  const { months, days, micros } = interval
  if (isSame(interval, infinity)) return 'infinity'
  if (isSame(interval, minusInfinity)) return '-infinity'
  const date = part(Math.trunc(months / 12), 'Y') + part(months % 12, 'M') + part(days, 'D')
  const time = micros === 0n ? '' : timePart(micros)
  return date === '' && time === '' ? 'PT0S' : `P${date}${time === '' ? '' : `T${time}`}`
}

function timePart(micros: bigint): string {
  const inMinute = Number(micros % 60_000_000n)
  const minutes = micros / 60_000_000n
  const seconds = Math.trunc(Math.abs(inMinute) / 1_000_000)
  const fraction = fractionText(Math.abs(inMinute) % 1_000_000)
  const last = inMinute === 0 ? '' : `${inMinute < 0 ? '-' : ''}${seconds}${fraction}S`
  return part(minutes / 60n, 'H') + part(minutes % 60n, 'M') + last
}

function part(value: number | bigint, unit: string): string {
  return Number(value) === 0 ? '' : `${value}${unit}`
}

function isSame(a: Interval, b: Interval): boolean {
  return a.months === b.months && a.days === b.days && a.micros === b.micros
}

function intervalFor(value: unknown): Interval {
  if (typeof value !== 'string') return refuseType(value, 'an interval as text of ISO 8601')
  const text = value.trim()
  const found = fromIso(text) ?? fromPostgres(text)
  if (found === undefined) {
    throw new ValueRefused(
      shownValue(value),
      'It takes an interval as text of ISO 8601 with whole parts: P1Y2M3DT4H5M6.789S.',
    )
  }
  const isInRange = isInt32(found.months) && isInt32(found.days) && BigInt.asIntN(64, found.micros) === found.micros
  if (isInRange) return found
  throw new ValueRefused(shownValue(value), 'It is out of range for an interval.')
}

function isInt32(value: number): boolean {
  return value >= -most - 1 && value <= most
}

const iso =
  /^P(?:([-+]?\d+)Y)?(?:([-+]?\d+)M)?(?:([-+]?\d+)W)?(?:([-+]?\d+)D)?(?:T(?:([-+]?\d+)H)?(?:([-+]?\d+)M)?(?:([-+]?)(\d+)(?:\.(\d{1,6})0*)?S)?)?$/

function fromIso(text: string): Interval | undefined {
  if (text === 'infinity') return infinity
  if (text === '-infinity') return minusInfinity
  const found = iso.exec(text)
  if (found === null || text === 'P' || text.endsWith('T')) return undefined
  const [
    ,
    years = '0',
    months = '0',
    weeks = '0',
    days = '0',
    hours = '0',
    minutes = '0',
    sign,
    seconds = '0',
    fraction = '',
  ] = found
  return {
    months: Number(years) * 12 + Number(months),
    days: Number(weeks) * 7 + Number(days),
    micros: BigInt(hours) * 3_600_000_000n + BigInt(minutes) * 60_000_000n + microsOf(sign, seconds, fraction),
  }
}

const style =
  /^(?:([-+]?\d+) years?)?\s*(?:([-+]?\d+) mons?)?\s*(?:([-+]?\d+) days?)?\s*(?:([-+]?)(\d+):(\d{2}):(\d{2})(?:\.(\d{1,6}))?)?$/

function fromPostgres(text: string): Interval | undefined {
  const found = text === '' ? null : style.exec(text)
  if (found === null) return undefined
  const [, years = '0', months = '0', days = '0', sign, hours = '0', minutes = '0', seconds = '0', fraction = ''] =
    found
  const whole = BigInt(hours) * 3600n + BigInt(minutes) * 60n + BigInt(seconds)
  return {
    months: Number(years) * 12 + Number(months),
    days: Number(days),
    micros: microsOf(sign, String(whole), fraction),
  }
}

function microsOf(sign: string | undefined, seconds: string, fraction: string): bigint {
  const micros = BigInt(seconds) * 1_000_000n + BigInt(fraction.padEnd(6, '0'))
  return sign === '-' ? -micros : micros
}
