import { refuseType, shownValue, ValueRefused } from '@drover/core'
import { digitsIn, microsPerDay, microsPerSecond } from './calendar.js'
import { WordsColumn } from './fixed-columns.js'

export type TimeType = { readonly kind: 'time' }

/** Microseconds since midnight. */
export class TimeColumn extends WordsColumn<TimeType> {
  override micros(value: number): void {
    if (this.isDirect && value >= 0 && value < microsPerDay) this.putNumber(value)
    else super.micros(value)
  }

  protected put(value: unknown): void {
    if (typeof value !== 'string') refuseType(value, 'times as text, 12:00:00.5')
    this.putNumber(microsOf(value))
  }
}

const form = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?$/
const outOfRange =
  "It takes times from 00:00:00 to 23:59:59.999999, without an offset: change it in a step, or name the type 'text' in types."

function microsOf(text: string): number {
  const found = form.exec(text)
  if (found === null) throw new ValueRefused(shownValue(text), outOfRange)
  const fraction = (found[4] ?? '').padEnd(6, '0')
  const hour = Number(found[1])
  const minute = Number(found[2])
  const second = Number(found[3] ?? 0)
  if (hour > 23 || minute > 59 || second > 59) throw new ValueRefused(shownValue(text), outOfRange)
  if (/[1-9]/.test(fraction.slice(6))) {
    throw new ValueRefused(
      shownValue(text),
      "It is finer than a microsecond: round it in a step, or name the type 'text' in types.",
    )
  }
  return ((hour * 60 + minute) * 60 + second) * microsPerSecond + digitsIn(fraction, 0, 6)
}
