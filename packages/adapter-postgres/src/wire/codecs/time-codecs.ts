import { refuseType, shownValue, ValueRefused } from '@drover/core'
import type { Codec } from '../codec.js'
import { timeText, twoDigits } from './calendar.js'
import { readInt32, safeInteger, writeInt64 } from './integer-codecs.js'
import { parseTime, UnreadableTime, type WrittenTime } from './moment-text.js'

/**
 * `12:00:00.5`, up to `24:00:00`. As in Postgres, an offset is nothing to it.
 *
 * @param modifier The digits that the column keeps; a finer value is refused, because Postgres would round it.
 */
export function timeCodec(modifier = -1): Codec {
  const unit = unitOf(modifier)
  return {
    decode: (bytes, at) => timeText(safeInteger(bytes, at) as number),
    encode(value, out) {
      const { micros } = timeFor(value, unit)
      out.reserve(8)
      writeInt64(out, micros)
    },
    text: (value) => timeText(timeFor(value, unit).micros),
  }
}

/** `12:00:00+02:00`; a text without an offset is UTC. */
export function timetzCodec(modifier = -1): Codec {
  const unit = unitOf(modifier)
  return {
    // Postgres counts seconds west of UTC.
    decode: (bytes, at) => timeText(safeInteger(bytes, at) as number) + offsetText(-readInt32(bytes, at + 8)),
    encode(value, out) {
      const { micros, offset = 0 } = timeFor(value, unit)
      out.reserve(12)
      writeInt64(out, micros)
      out.int32(-offset)
    },
    text(value) {
      const { micros, offset = 0 } = timeFor(value, unit)
      return timeText(micros) + offsetText(offset)
    },
  }
}

function unitOf(modifier: number): number {
  return modifier < 0 ? 1 : 10 ** (6 - modifier)
}

function timeFor(value: unknown, unit: number): WrittenTime {
  if (typeof value !== 'string') return refuseType(value, 'a time as text: 12:00:00.5')
  const time = parsed(value)
  if (time.micros % unit === 0) return time
  throw new ValueRefused(
    shownValue(value),
    'The column keeps fewer digits of a second and would round it: give it more, or round in a step.',
  )
}

function parsed(text: string): WrittenTime {
  try {
    return parseTime(text)
  } catch (error) {
    if (!(error instanceof UnreadableTime)) throw error
    throw new ValueRefused(`${shownValue(text)}: ${error.message}`, 'It takes a time as text: 12:00:00.5.')
  }
}

function offsetText(offset: number): string {
  const size = Math.abs(offset)
  const seconds = size % 60
  const minutes = Math.floor(size / 60)
  return `${offset < 0 ? '-' : '+'}${twoDigits(Math.floor(minutes / 60))}:${twoDigits(minutes % 60)}${
    seconds === 0 ? '' : `:${twoDigits(seconds)}`
  }`
}
