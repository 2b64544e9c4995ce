import { shownValue, ValueRefused } from '@drover/core'
import type { Codec } from '../codec.js'
import type { WireBuffer } from '../wire-buffer.js'
import { dayOf, type Moment, microsPerDay, microsPerSecond, readMoment, writeMoment } from './calendar.js'
import { infinityOf, momentOf } from './date-codec.js'
import { readInt32 } from './integer-codecs.js'
import { shownMoment } from './moment-shown.js'
import { parseUsualBytes } from './moment-text.js'

/**
 * `timestamptz`: ISO 8601 in UTC, `2024-01-31T12:00:00.123456Z`. `timestamp`: the same without Z.
 *
 * Written are also Dates, offsets, a space for the T. As in Postgres, the offset of a text is nothing to a timestamp without
 * a zone; a text without one is UTC for a timestamptz, whatever the session's zone is.
 *
 * @param modifier The digits that the column keeps; a finer value is refused, because Postgres would round it.
 */
export function timestampCodec(hasZone: boolean, modifier = -1): Codec {
  const unit = modifier < 0 ? 1 : 10 ** (6 - modifier)
  const type = hasZone ? 'a timestamp with time zone' : 'a timestamp'
  const moment = (value: unknown): Moment => momentFor(value, hasZone, unit, type)
  return {
    decode: (bytes, at) => infinityAt(bytes, at) ?? shownMoment(readMoment(bytes, at), hasZone),
    encode(value, out) {
      out.reserve(8)
      const word = infinityOf(value)
      if (word === undefined) writeMoment(moment(value), out)
      else writeInfinity(word, out)
    },
    encodeUtf8: {
      of: 'text',
      write(bytes, at, end, out) {
        const written = parseUsualBytes(bytes, at, end)
        // Its day is that of a year of four digits, and its offset none: it cannot be out of range.
        if (written === undefined || written.micros % unit !== 0) return false
        out.reserve(8)
        writeMoment(written, out)
        return true
      },
    },
    text(value) {
      const word = infinityOf(value)
      if (word !== undefined) return word > 0 ? 'infinity' : '-infinity'
      return shownMoment(moment(value), hasZone)
    },
  }
}

const firstDay = dayOf(-4713, 11, 24)
const lastDay = dayOf(294276, 12, 31)

function infinityAt(bytes: Buffer, at: number): string | undefined {
  const high = readInt32(bytes, at)
  if (high === 0x7fffffff && readInt32(bytes, at + 4) === -1) return 'infinity'
  return high === -0x80000000 && readInt32(bytes, at + 4) === 0 ? '-infinity' : undefined
}

function writeInfinity(sign: number, out: WireBuffer): void {
  out.int32(sign > 0 ? 0x7fffffff : -0x80000000)
  out.int32(sign > 0 ? -1 : 0)
}

function momentFor(value: unknown, hasZone: boolean, unit: number, type: string): Moment {
  const written = momentOf(value, type)
  const moment = hasZone ? inUtc(written, written.offset ?? 0) : written
  if (moment.micros % unit !== 0) {
    throw new ValueRefused(
      shownValue(value),
      'The column keeps fewer digits of a second and would round it: give it more, or round in a step.',
    )
  }
  if (moment.day >= firstDay && moment.day <= lastDay) return moment
  throw new ValueRefused(shownValue(value), `It is out of range for ${type}.`)
}

function inUtc({ day, micros }: Moment, offset: number): Moment {
  const moved = micros - offset * microsPerSecond
  const days = Math.floor(moved / microsPerDay)
  return days === 0 ? { day, micros: moved } : { day: day + days, micros: moved - days * microsPerDay }
}
