import { dayOf, daysInMonth, type Moment, microsPerDay, microsPerSecond } from './calendar.js'

/** A date and a time as text says them. */
export interface WrittenMoment extends Moment {
  /** Seconds east of UTC; undefined if the text does not say. */
  readonly offset: number | undefined
}

export interface WrittenTime {
  readonly micros: number
  readonly offset: number | undefined
}

/** Why a text is no moment. */
export class UnreadableTime extends Error {}

/**
 * Reads ISO 8601 and what Postgres prints: `2024-01-31`, `2024-01-31T12:00:00.5Z`, `2024-01-31 12:00:00+02`,
 * `0044-03-15 00:00:00 BC`, and JavaScript's `+275760-09-13T00:00:00.000Z`.
 *
 * @throws `UnreadableTime`
 */
export function parseMoment(text: string): WrittenMoment {
  return parseUsual(text) ?? parseAny(text)
}

/** `12:00`, `12:00:00.5`, `12:00:00+02:00`. @throws `UnreadableTime` */
export function parseTime(text: string): WrittenTime {
  const found = time.exec(text)
  if (found === null) throw new UnreadableTime('it is no time')
  const [, hour, minute, second, fraction, offset] = found
  return { micros: timeOf(Number(hour), Number(minute), Number(second ?? 0), fraction), offset: offsetOf(offset) }
}

/** `2024-01-31T12:00:00`, a fraction of up to six digits, and `Z` or nothing; undefined for all else. */
export function parseUsualBytes(bytes: Uint8Array, at: number, end: number): WrittenMoment | undefined {
  const length = end - at
  if (length < 19 || length > 27) return undefined
  const between = bytes[at + 10]
  if (between !== 0x54 && between !== 0x20) return undefined
  if (bytes[at + 4] !== 0x2d || bytes[at + 7] !== 0x2d) return undefined
  if (bytes[at + 13] !== 0x3a || bytes[at + 16] !== 0x3a) return undefined
  const year = digits(bytes, at, at + 4)
  const month = digits(bytes, at + 5, at + 7)
  const day = digits(bytes, at + 8, at + 10)
  const hour = digits(bytes, at + 11, at + 13)
  const minute = digits(bytes, at + 14, at + 16)
  const second = digits(bytes, at + 17, at + 19)
  const isUtc = bytes[end - 1] === 0x5a
  const last = isUtc ? end - 1 : end
  let fraction = 0
  if (last > at + 19) {
    if (bytes[at + 19] !== 0x2e || last > at + 26 || last === at + 20) return undefined
    fraction = digits(bytes, at + 20, last)
    for (let i = last; i < at + 26; i++) fraction *= 10
  }
  // A character that is no digit has made one of them NaN; the careful way says what is wrong with the others.
  const isPlain =
    year >= 1 && month >= 1 && month <= 12 && day >= 1 && hour <= 23 && minute <= 59 && second <= 59 && fraction >= 0
  if (!isPlain || day > daysInMonth(year, month)) return undefined
  const micros = (hour * 3600 + minute * 60 + second) * microsPerSecond + fraction
  return { day: dayOf(year, month, day), micros, offset: isUtc ? 0 : undefined }
}

const scratch = new Uint8Array(27)

function parseUsual(text: string): WrittenMoment | undefined {
  const { length } = text
  if (length > scratch.length) return undefined
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f) return undefined
    scratch[i] = unit
  }
  return parseUsualBytes(scratch, 0, length)
}

/** NaN if there is another character. */
function digits(bytes: Uint8Array, from: number, end: number): number {
  let value = 0
  for (let i = from; i < end; i++) {
    const digit = (bytes[i] as number) - 0x30
    if (digit < 0 || digit > 9) return Number.NaN
    value = value * 10 + digit
  }
  return value
}

const timePattern = String.raw`(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?`
const offsetPattern = String.raw`(?:\s*(Z|UTC|GMT|[-+]\d{1,2}(?::?\d{2}(?::?\d{2})?)?))?`
const time = new RegExp(String.raw`^\s*${timePattern}${offsetPattern}\s*$`, 'i')
const moment = new RegExp(
  String.raw`^\s*([-+]?)(\d{4,7})-(\d{1,2})-(\d{1,2})(?:(?:\s*T|\s+)${timePattern}${offsetPattern})?\s*(BC|AD)?\s*$`,
  'i',
)

function parseAny(text: string): WrittenMoment {
  const found = moment.exec(text)
  if (found === null) throw new UnreadableTime('it is no date of ISO 8601')
  const [, sign, yearDigits, monthDigits, dayDigits, hour, minute, second, fraction, offset, era] = found
  const written = Number(yearDigits)
  const isBefore = era?.toUpperCase() === 'BC'
  if (isBefore && (written === 0 || sign !== '')) throw new UnreadableTime('there is no such year BC')
  if (sign === '' && written === 0) throw new UnreadableTime('the year before 1 is 0001 BC')
  const year = isBefore ? 1 - written : sign === '-' ? -written : written
  const month = Number(monthDigits)
  const day = Number(dayDigits)
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) {
    throw new UnreadableTime('there is no such day')
  }
  const micros = hour === undefined ? 0 : timeOf(Number(hour), Number(minute), Number(second ?? 0), fraction)
  return { day: dayOf(year, month, day), micros, offset: offsetOf(offset) }
}

/** As Postgres has it: up to 24:00:00, and a second 60 that runs over. */
function timeOf(hour: number, minute: number, second: number, fraction = ''): number {
  if (/[1-9]/.test(fraction.slice(6)))
    throw new UnreadableTime('it is finer than a microsecond, which Postgres would round')
  const micros = (hour * 3600 + minute * 60 + second) * microsPerSecond + Number(fraction.slice(0, 6).padEnd(6, '0'))
  if (minute > 59 || second > 60 || micros > microsPerDay) throw new UnreadableTime('there is no such time of day')
  return micros
}

function offsetOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const found = /^([-+])(\d{1,2}):?(\d{2})?:?(\d{2})?$/.exec(text)
  if (found === null) return 0
  const [, sign, hours, minutes, seconds] = found
  const offset = Number(hours) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0)
  // MAX_TZDISP_HOUR (src/include/datatype/timestamp.h)
  if (offset >= 16 * 3600 || Number(minutes ?? 0) > 59 || Number(seconds ?? 0) > 59) {
    throw new UnreadableTime('its offset is larger than Postgres has')
  }
  return sign === '-' ? -offset : offset
}
