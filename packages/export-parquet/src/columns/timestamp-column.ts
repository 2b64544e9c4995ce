import { type Instant, instantOfDate, refuseType, shownValue, ValueRefused } from '@drover/core'
import { firstDay, lastDay, secondsPerDay } from './calendar.js'
import type { Holding } from './column-builder.js'
import { WordsColumn } from './fixed-columns.js'
import { readInstant } from './read-instant.js'

export type TimestampType = { readonly kind: 'timestamp'; readonly zone: boolean; readonly digits: number }

/** Milliseconds, microseconds or nanoseconds since 1970-01-01, in UTC or without a zone: whatever has the digits of the type. */
export class TimestampColumn extends WordsColumn<TimestampType> {
  readonly #perSecond: number

  constructor(holding: Holding<TimestampType>) {
    super(holding)
    const { digits } = holding.type
    this.#perSecond = digits <= 3 ? 1e3 : digits <= 6 ? 1e6 : 1e9
  }

  override micros(value: number): void {
    if (!this.isDirect) super.micros(value)
    else if (this.#perSecond === 1e6) this.putNumber(value)
    else if (this.#perSecond === 1e3 && value % 1e3 === 0) this.putNumber(value / 1e3)
    // Whether it is in the range of nanoseconds, and what is wrong with it if not, is seen the slow way.
    else super.micros(value)
  }

  protected put(value: unknown): void {
    const { seconds, nanos } = typeof value === 'string' ? this.#instantOf(value) : dateOf(value)
    const nanosPerUnit = 1e9 / this.#perSecond
    if (nanos % nanosPerUnit !== 0) throw new ValueRefused(shownValue(value), tooFine(this.#perSecond))
    if (seconds < firstDay * secondsPerDay || seconds >= (lastDay + 1) * secondsPerDay) {
      throw new ValueRefused(shownValue(value), outOfYears)
    }
    const units = seconds * this.#perSecond + nanos / nanosPerUnit
    if (Number.isSafeInteger(units)) this.putNumber(units)
    else this.#putLarge(value, BigInt(seconds) * BigInt(this.#perSecond) + BigInt(nanos / nanosPerUnit))
  }

  #putLarge(value: unknown, units: bigint): void {
    if (BigInt.asIntN(64, units) !== units) {
      throw new ValueRefused(
        shownValue(value),
        `Nanoseconds reach from 1677 to 2262: name the type '${this.holding.type.zone ? 'timestamptz' : 'timestamp'}(6)' in types.`,
      )
    }
    this.putBigint(units)
  }

  #instantOf(text: string): Instant {
    const instant = readInstant(text)
    const { isNamed, type } = this.holding
    if (instant === null || (!isNamed && instant.form === 'date')) {
      throw new ValueRefused(
        shownValue(text),
        "It takes timestamps of ISO 8601 with at most nine digits of a second, or a Date: change it in a step, or name the type 'text' in types.",
      )
    }
    // What is named is taken to be in UTC on both sides.
    if (!isNamed && instant.zoned !== type.zone)
      throw new ValueRefused(shownValue(text), type.zone ? zoneMissing : zoneLost)
    return instant
  }
}

const outOfYears = "It takes the years 1 to 9999: leave the record out, or name the type 'text' in types."
const zoneMissing =
  "The text has no zone, and the column is in UTC: add Z or the offset in a step, or name the type 'timestamptz' in types to have it read as UTC."
const zoneLost =
  "The text has a zone, which the column would lose: name the type 'timestamptz' in types, or 'timestamp' to have the time in UTC."

function tooFine(perSecond: number): string {
  const unit = perSecond === 1e3 ? 'millisecond' : 'microsecond'
  return `It is finer than the column's ${unit}: round it in a step, or name a type with more digits in types, such as 'timestamptz(${perSecond === 1e3 ? 6 : 9})'.`
}

function dateOf(value: unknown): Instant {
  if (!(value instanceof Date) || Number.isNaN(value.getTime()))
    return refuseType(value, 'timestamps as text of ISO 8601, or a Date')
  return instantOfDate(value)
}
