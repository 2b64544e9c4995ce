import type { WireBuffer } from '../wire-buffer.js'
import { readInt32, writeInt64 } from './integer-codecs.js'

/** Postgres counts days and microseconds from 2000-01-01. */
export const microsPerSecond = 1_000_000
export const microsPerDay = 86_400_000_000

/** An instant, or a local date and time, without the loss that microseconds as a double would have beyond 285 years. */
export interface Moment {
  /** Since 2000-01-01. */
  readonly day: number
  /** Of that day; up to a whole day for 24:00:00. */
  readonly micros: number
}

/** The day since 2000-01-01 of a date of the proleptic Gregorian calendar; the year 0 is 1 BC. */
export function dayOf(year: number, month: number, day: number): number {
  // Years begin in March, so that February is the last month; 400 of them are 146,097 days.
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 730_425
}

export function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

export interface DateText {
  /** `2024-01-31`, the year without a sign. */
  readonly text: string
  /** ` BC`, to stand behind all. */
  readonly era: string
}

let lastDay = Number.NaN
let lastText: DateText = { text: '', era: '' }

/** Rows that stand together often share their day. */
export function dateText(day: number): DateText {
  if (day === lastDay) return lastText
  lastDay = day
  lastText = makeDateText(day)
  return lastText
}

function makeDateText(since2000: number): DateText {
  const day = since2000 + 730_425
  const era = Math.floor(day / 146_097)
  const dayOfEra = day - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const dayOfMonth = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  const shownYear = String(year > 0 ? year : 1 - year).padStart(4, '0')
  return { text: `${shownYear}-${twoDigits(month)}-${twoDigits(dayOfMonth)}`, era: year > 0 ? '' : ' BC' }
}

const pairs = Array.from({ length: 100 }, (_, i) => String(i).padStart(2, '0'))
const minutesOfDay = Array.from(
  { length: 24 * 60 + 1 },
  (_, i) => `${twoDigits(Math.floor(i / 60))}:${twoDigits(i % 60)}:`,
)

export function twoDigits(value: number): string {
  return pairs[value] as string
}

/** `12:00:00.5`: no fraction if it is zero, and no zeros behind it. */
export function timeText(micros: number): string {
  const seconds = Math.floor(micros / microsPerSecond)
  const minutes = Math.floor(seconds / 60)
  return (
    (minutesOfDay[minutes] as string) +
    twoDigits(seconds - minutes * 60) +
    fractionText(micros - seconds * microsPerSecond)
  )
}

/** `.5`; nothing for zero. */
export function fractionText(micros: number): string {
  if (micros === 0) return ''
  let end = 6
  let rest = micros
  while (rest % 10 === 0) {
    rest /= 10
    end--
  }
  return `.${String(rest).padStart(end, '0')}`
}

/** Reads microseconds since 2000 as a day and the rest of it. */
export function readMoment(bytes: Buffer, at: number): Moment {
  const high = readInt32(bytes, at)
  if (high < 0x100000 && high >= -0x100000) {
    const all = high * 0x100000000 + (readInt32(bytes, at + 4) >>> 0)
    const day = Math.floor(all / microsPerDay)
    return { day, micros: all - day * microsPerDay }
  }
  const all = bytes.readBigInt64BE(at)
  let day = all / BigInt(microsPerDay)
  let micros = all % BigInt(microsPerDay)
  if (micros < 0n) {
    micros += BigInt(microsPerDay)
    day--
  }
  return { day: Number(day), micros: Number(micros) }
}

/** The other way round; room is there. */
export function writeMoment({ day, micros }: Moment, out: WireBuffer): void {
  const all = day * microsPerDay + micros
  if (Number.isSafeInteger(all)) writeInt64(out, all)
  else out.at = out.bytes.writeBigInt64BE(BigInt(day) * BigInt(microsPerDay) + BigInt(micros), out.at)
}
