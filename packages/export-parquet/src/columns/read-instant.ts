import { type InstantText, parseInstant } from '@drover/core'
import { digitsIn, epochDay, secondsPerDay } from './calendar.js'

/**
 * Reads a timestamp; null if the text is none, or one that would come back as another: the second 60 of a leap second is the first of the
 * next minute to everybody else.
 */
export function readInstant(text: string): InstantText | null {
  const usual = readUsual(text)
  if (usual !== null) return usual
  const instant = parseInstant(text)
  return instant === null || /^.{10}[Tt ]\d\d:\d\d:60/.test(text) ? null : instant
}

/** `2024-01-31T12:00:00.5`, up to nine digits of a second, with Z or nothing behind them: several times as fast as a pattern. */
function readUsual(text: string): InstantText | null {
  const isZoned = text.charCodeAt(text.length - 1) === 0x5a
  const end = isZoned ? text.length - 1 : text.length
  if (end < 19 || end > 29 || text.charCodeAt(10) !== 0x54) return null
  if (text.charCodeAt(4) !== 0x2d || text.charCodeAt(7) !== 0x2d) return null
  if (text.charCodeAt(13) !== 0x3a || text.charCodeAt(16) !== 0x3a) return null
  const hour = digitsIn(text, 11, 13)
  const minute = digitsIn(text, 14, 16)
  const second = digitsIn(text, 17, 19)
  const day = epochDay(digitsIn(text, 0, 4), digitsIn(text, 5, 7), digitsIn(text, 8, 10))
  const digits = end === 19 ? 0 : end - 20
  if (end > 19 && (digits === 0 || text.charCodeAt(19) !== 0x2e)) return null
  let nanos = digitsIn(text, 20, end)
  for (let i = digits; i < 9; i++) nanos *= 10
  // A character that is no digit has made one of them NaN.
  if (Number.isNaN(day) || !(hour < 24 && minute < 60 && second < 60 && nanos >= 0)) return null
  return {
    seconds: day * secondsPerDay + (hour * 60 + minute) * 60 + second,
    nanos,
    form: 'date-time',
    digits,
    zoned: isZoned,
  }
}
