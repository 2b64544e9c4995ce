/** 0001-01-01 and 9999-12-31 in days since 1970: the years that every reader of Parquet shows alike. */
export const firstDay = -719_162
export const lastDay = 2_932_896

export const microsPerSecond = 1_000_000
export const microsPerDay = 86_400_000_000
export const secondsPerDay = 86_400

/** Days since 1970-01-01; NaN if there is no such day. */
export function epochDay(year: number, month: number, day: number): number {
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month))) return Number.NaN
  // Years begin in March, so that February is the last month: https://howardhinnant.github.io/date_algorithms.html#days_from_civil
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = (((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) | 0) + day - 1
  return era * 146_097 + yearOfEra * 365 + ((yearOfEra / 4) | 0) - ((yearOfEra / 100) | 0) + dayOfYear - 719_468
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** `2024-01-31`; beyond the years 1 to 9999 as Postgres writes it: `10000-01-01`, `0044-03-15 BC`. */
export function dateText(day: number): string {
  // The other way round than `epochDay`: https://howardhinnant.github.io/date_algorithms.html#civil_from_days
  const shifted = day + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const leapDays = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096)
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const dayOfMonth = dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  const shownYear = String(year > 0 ? year : 1 - year).padStart(4, '0')
  return `${shownYear}-${two(month)}-${two(dayOfMonth)}${year > 0 ? '' : ' BC'}`
}

/** `12:00:00.5`: no fraction if it is zero, and no zeros behind it. */
export function timeText(micros: number): string {
  const seconds = Math.floor(micros / microsPerSecond)
  const fraction = micros - seconds * microsPerSecond
  const whole = `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`
  return fraction === 0 ? whole : `${whole}.${String(fraction).padStart(6, '0').replace(/0+$/, '')}`
}

function two(value: number): string {
  return String(Math.floor(value)).padStart(2, '0')
}

/** `2024-01-31T12:00:00.5Z`; Z if it has a zone. */
export function timestampText(micros: number, hasZone: boolean): string {
  const day = Math.floor(micros / microsPerDay)
  return `${dateText(day)}T${timeText(micros - day * microsPerDay)}${hasZone ? 'Z' : ''}`
}

/** The number that stands in `text[from, end)`; NaN if another character than a digit does. */
export function digitsIn(text: string, from: number, end: number): number {
  let value = 0
  for (let i = from; i < end; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (!(digit >= 0 && digit <= 9)) return Number.NaN
    value = value * 10 + digit
  }
  return value
}
