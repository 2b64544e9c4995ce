/** Times as Parquet stores them, as texts. Whole numbers up to 2^53 are given as such; a bigint is for what is beyond. */

const secondsPerDay = 86_400

/** A moment: days since 1970, and what is behind midnight in units of which a second has `10 ** digits`. */
export function timestampText(day: number, units: number, digits: number, isUtc: boolean): string {
  const perSecond = 10 ** digits
  const seconds = Math.floor(units / perSecond)
  const fraction = String(units - seconds * perSecond).padStart(digits, '0')
  return `${dateText(day)}T${clockText(seconds)}.${fraction}${isUtc ? 'Z' : ''}`
}

/** The time of day, without zeros at the end of its fraction. */
export function timeText(units: number, digits: number): string {
  const perSecond = 10 ** digits
  const seconds = Math.floor(units / perSecond)
  const fraction = String(units - seconds * perSecond)
    .padStart(digits, '0')
    .replace(/0+$/, '')
  return clockText(seconds) + (fraction === '' ? '' : `.${fraction}`)
}

let lastDay = Number.NaN
let lastText = ''

/** A year has four digits, or a sign and six. */
export function dateText(day: number): string {
  if (day === lastDay) return lastText
  // Years that begin in March put the leap day last: https://howardhinnant.github.io/date_algorithms.html#civil_from_days
  const shifted = day + 719_468
  const era = Math.floor(shifted / 146_097)
  const ofEra = shifted - era * 146_097
  const year = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  )
  const ofYear = ofEra - (365 * year + Math.floor(year / 4) - Math.floor(year / 100))
  const marchMonth = Math.floor((5 * ofYear + 2) / 153)
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
  lastText = `${yearText(year + era * 400 + (month <= 2 ? 1 : 0))}-${two(month)}-${two(ofYear - Math.floor((153 * marchMonth + 2) / 5) + 1)}`
  lastDay = day
  return lastText
}

function yearText(year: number): string {
  if (year >= 0 && year <= 9999) return String(year).padStart(4, '0')
  return `${year < 0 ? '-' : '+'}${String(Math.abs(year)).padStart(6, '0')}`
}

const twoDigits = Array.from({ length: 100 }, (_, i) => String(i).padStart(2, '0'))

function two(value: number): string {
  return twoDigits[value] as string
}

function clockText(seconds: number): string {
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  return `${two(hours)}:${two(minutes - hours * 60)}:${two(seconds - minutes * 60)}`
}

/** Splits a count of units since 1970 into days and the rest of the day. */
export function splitDays(low: number, high: number, digits: number): { readonly day: number; readonly units: number } {
  const perDay = secondsPerDay * 10 ** digits
  const value = high * 2 ** 32 + (low >>> 0)
  if (Number.isSafeInteger(value)) {
    const day = Math.floor(value / perDay)
    return { day, units: value - day * perDay }
  }
  const exact = (BigInt(high) << 32n) | BigInt(low >>> 0)
  const whole = BigInt(perDay)
  const rest = ((exact % whole) + whole) % whole
  return { day: Number((exact - rest) / whole), units: Number(rest) }
}
