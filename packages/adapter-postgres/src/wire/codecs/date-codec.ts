import { refuseType, shownValue, ValueRefused } from '@drover/core'
import type { Codec } from '../codec.js'
import { dateText, dayOf, type Moment, microsPerDay } from './calendar.js'
import { readInt32 } from './integer-codecs.js'
import { parseMoment, UnreadableTime } from './moment-text.js'

/** `2024-01-31`, `0044-03-15 BC`, `infinity`. A Date is taken if it is midnight in UTC. */
export const dateCodec: Codec = {
  decode(bytes, at) {
    const day = readInt32(bytes, at)
    if (day === infinity) return 'infinity'
    return day === minusInfinity ? '-infinity' : shown(day)
  },
  encode(value, out) {
    const day = dayFor(value)
    out.reserve(4)
    out.int32(day)
  },
  text(value) {
    const day = dayFor(value)
    if (day === infinity) return 'infinity'
    return day === minusInfinity ? '-infinity' : shown(day)
  },
}

const infinity = 0x7fffffff
const minusInfinity = -0x80000000
const firstDay = dayOf(-4713, 11, 24)
const lastDay = dayOf(5874897, 12, 31)

function shown(day: number): string {
  const { text, era } = dateText(day)
  return text + era
}

function dayFor(value: unknown): number {
  const word = infinityOf(value)
  if (word !== undefined) return word > 0 ? infinity : minusInfinity
  const { day, micros } = momentOf(value, 'a date')
  if (micros !== 0) throw new ValueRefused(shownValue(value), 'A date has no time of day: cut it off in a step.')
  if (day < firstDay || day > lastDay) throw new ValueRefused(shownValue(value), 'It is out of range for a date.')
  return day
}

/** +1 or -1 for the words that stand for them. */
export function infinityOf(value: unknown): number | undefined {
  if (typeof value !== 'string' || isDigit(value.charCodeAt(0)) || !/^\s*[-+]?infinity\s*$/i.test(value))
    return undefined
  return value.includes('-') ? -1 : 1
}

/**
 * A Date or a text as a day and the time of that day, which an offset does not move.
 *
 * @throws `ValueRefused`
 */
export function momentOf(value: unknown, expected: string): Moment & { readonly offset: number | undefined } {
  if (value instanceof Date && !Number.isNaN(value.getTime())) {
    const millis = value.getTime() - since2000
    const day = Math.floor(millis / 86_400_000)
    return { day, micros: (millis - day * 86_400_000) * 1000, offset: 0 }
  }
  if (typeof value !== 'string') return refuseType(value, `${expected} as text of ISO 8601, or a Date`)
  try {
    const parsed = parseMoment(value)
    return parsed.micros < microsPerDay
      ? parsed
      : { ...parsed, day: parsed.day + 1, micros: parsed.micros - microsPerDay }
  } catch (error) {
    if (!(error instanceof UnreadableTime)) throw error
    throw new ValueRefused(
      `${shownValue(value)}: ${error.message}`,
      `It takes ${expected} as text of ISO 8601, or a Date.`,
    )
  }
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39
}

const since2000 = Date.UTC(2000, 0, 1)
