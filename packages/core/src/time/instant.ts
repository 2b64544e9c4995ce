/** A point in time, finer than `Date`: whole seconds since 1970 and nanoseconds behind them. */
export interface Instant {
  readonly seconds: number
  /** 0 to 999,999,999. */
  readonly nanos: number
}

/** What a text says about time, and how it says it. */
export interface InstantText extends Instant {
  /** `date` has no time of day: midnight UTC. */
  readonly form: 'date' | 'date-time'
  /** Digits of a second that were written. */
  readonly digits: number
  /** Whether it names its zone; without one it was read as UTC. */
  readonly zoned: boolean
}

/**
 * ISO 8601 in its extended form and what SQL databases write instead: a blank for the `T`, `+00` for `+00:00`.
 * Years beyond four digits have a sign and six digits, as `Date` writes them.
 */
const pattern =
  /^([+-]\d{6}|\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?: ?([Zz]|[+-]\d\d(?::?\d\d(?::\d\d)?)?))?)?$/

/** Reads a date or a timestamp; null if the text is none, or names a day or an hour that does not exist. */
export function parseInstant(text: string): InstantText | null {
  // Nearly every text that a filter sees is none: two looks at it spare the pattern.
  if (text.length < 10 || text.length > 50 || (text.charCodeAt(4) !== 0x2d && text.charCodeAt(7) !== 0x2d)) return null
  const parts = pattern.exec(text)
  if (parts === null) return null
  const [, year, month, day, hour, minute, second = '0', fraction = '', zone] = parts
  const days = epochDays(Number(year), Number(month), Number(day))
  if (days === null) return null
  if (hour === undefined) return { seconds: days * 86_400, nanos: 0, form: 'date', digits: 0, zoned: false }
  const time = timeOfDay(Number(hour), Number(minute), Number(second), Number(fraction))
  const offset = offsetSeconds(zone)
  if (time === null || offset === null) return null
  const seconds = days * 86_400 + time - offset
  const nanos = Number(fraction.padEnd(9, '0'))
  return { seconds, nanos, form: 'date-time', digits: fraction.length, zoned: zone !== undefined }
}

export function instantOfDate(date: Date): Instant {
  return instantOfMilliseconds(date.getTime())
}

export function instantOfMilliseconds(milliseconds: number): Instant {
  const seconds = Math.floor(milliseconds / 1000)
  return { seconds, nanos: Math.round((milliseconds - seconds * 1000) * 1e6) }
}

/** Negative, zero or positive, as in `sort`. */
export function compareInstants(a: Instant, b: Instant): number {
  return a.seconds - b.seconds || a.nanos - b.nanos
}

/** ISO 8601 in UTC with at least milliseconds, and with more digits of the second if the instant has them or `digits` asks. */
export function formatInstant({ seconds, nanos }: Instant, digits = 3): string {
  if (digits <= 3 && nanos % 1e6 === 0) return new Date(seconds * 1000 + nanos / 1e6).toISOString()
  const whole = new Date(seconds * 1000).toISOString().slice(0, -'.000Z'.length)
  const fraction = String(nanos).padStart(9, '0')
  const needed = Math.max(3, digits, fraction.replace(/0+$/, '').length)
  return `${whole}.${fraction.slice(0, needed)}Z`
}

/** Days since 1970-01-01 in the Gregorian calendar; null if there is no such day. */
function epochDays(year: number, month: number, day: number): number | null {
  if (month < 1 || month > 12 || day < 1 || day > daysOf(year, month)) return null
  // Years that begin in March put the leap day last: https://howardhinnant.github.io/date_algorithms.html#days_from_civil
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

function daysOf(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** Seconds since midnight. 24:00:00 is the next midnight; second 60, a leap second, is the one after it, as in POSIX time. */
function timeOfDay(hour: number, minute: number, second: number, fraction: number): number | null {
  const isEndOfDay = hour === 24 && minute === 0 && second === 0 && fraction === 0
  if ((hour > 23 && !isEndOfDay) || minute > 59 || second > 60) return null
  return hour * 3600 + minute * 60 + second
}

/** Seconds east of UTC: `Z`, `+01`, `+0130`, `+01:30`, and `+01:30:15` as Postgres writes old local times. */
function offsetSeconds(zone: string | undefined): number | null {
  if (zone === undefined || zone === 'Z' || zone === 'z') return 0
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone[3] === ':' ? zone.slice(4, 6) : zone.slice(3, 5))
  const seconds = Number(zone.slice(7, 9))
  if (hours > 23 || minutes > 59 || seconds > 59) return null
  const size = hours * 3600 + minutes * 60 + seconds
  return zone[0] === '-' ? -size : size
}
