import { parseInstant, refuseType, shownValue, ValueRefused } from '@drover/core'
import { digitsIn, epochDay, firstDay, lastDay, secondsPerDay } from './calendar.js'
import type { Holding } from './column-builder.js'
import { FixedColumn } from './fixed-columns.js'

export type DateType = { readonly kind: 'date' }

/** Days since 1970-01-01. */
export class DateColumn extends FixedColumn<DateType, Int32Array> {
  constructor(holding: Holding<DateType>) {
    super(holding, new Int32Array(0))
  }

  override int32(value: number): void {
    if (this.isDirect && value >= firstDay && value <= lastDay) this.#add(value)
    else super.int32(value)
  }

  protected put(value: unknown): void {
    const day = typeof value === 'string' ? this.#dayOfText(value) : dayOfDate(value)
    if (!(day >= firstDay && day <= lastDay)) throw new ValueRefused(shownValue(value), outOfRange)
    this.#add(day)
  }

  #dayOfText(text: string): number {
    if (text.length === 10 && text.charCodeAt(4) === 0x2d && text.charCodeAt(7) === 0x2d) {
      const day = epochDay(digitsIn(text, 0, 4), digitsIn(text, 5, 7), digitsIn(text, 8, 10))
      if (!Number.isNaN(day)) return day
    }
    const instant = this.holding.isNamed ? parseInstant(text) : null
    if (instant === null) return refuseDate(text)
    if (instant.nanos !== 0 || instant.seconds % secondsPerDay !== 0) throw new ValueRefused(shownValue(text), noTime)
    return instant.seconds / secondsPerDay
  }

  #add(day: number): void {
    this.reserve()
    this.numbers[this.length++] = day
  }
}

const noTime = "A date has no time of day: cut it off in a step, or name the type 'timestamp' in types."
const outOfRange = "It takes the years 1 to 9999: leave the record out, or name the type 'text' in types."

function dayOfDate(value: unknown): number {
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) return refuseDate(value)
  const day = value.getTime() / 86_400_000
  if (!Number.isInteger(day)) throw new ValueRefused(shownValue(value), noTime)
  return day
}

function refuseDate(value: unknown): never {
  if (typeof value === 'string') {
    throw new ValueRefused(
      shownValue(value),
      "It takes dates as text, 2024-01-31, of the years 1 to 9999: change it in a step, or name the type 'text' in types.",
    )
  }
  return refuseType(value, 'dates as text, 2024-01-31, or a Date')
}
