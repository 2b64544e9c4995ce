import { zoneOffset } from '../time/zone.js'

/** Days of the week as windows name them. */
export const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const

/** A time of day in which a run may work, by the clocks of a zone. */
export interface RunWindow {
  /** When it opens: `22:00`. */
  readonly from: string
  /** When it closes; the next day if it is not later than `from`. `24:00` is midnight. */
  readonly to: string
  /** The zone whose clocks it goes by: `Europe/Vienna`, `UTC`, `+02:00`. */
  readonly zone: string
  /** The days it opens on. @default every day */
  readonly days?: readonly (typeof weekdays)[number][]
}

interface Interval {
  readonly from: number
  readonly to: number
}

const dayMs = 86_400_000
/** A day's window can be skipped by the clocks, and the next of that day is a week later. */
const horizonDays = 15
/** Changes that are looked at to tell when work is done. */
const longestWalk = 100
/** Days that a window remembers. */
const mostDays = 200

/**
 * When a run may work, in milliseconds since 1970. A time that the clocks skip counts as if they had not been changed
 * yet, and of one that they show twice the first counts.
 */
export class Windows {
  readonly #windows: readonly ((day: number) => Interval | undefined)[]
  /** Open or closed since some time before the last question, and until then. */
  #known: { readonly since: number; readonly isOpen: boolean; readonly until: number } | undefined

  constructor(windows: readonly RunWindow[], where: string) {
    this.#windows = windows.map((window, at) => intervals(window, `${where}: windows[${at}]`))
  }

  isOpen(at: number): boolean {
    return this.#at(at).isOpen
  }

  /** When that ends: until then it is open, or closed, as it is at that instant. Infinite if that does not change. */
  changesAt(at: number): number {
    return this.#at(at).until
  }

  /** When work of so many milliseconds is done that begins at an instant. */
  endOf(at: number, workMs: number): number {
    let now = at
    let left = workMs
    for (let step = 0; ; step++) {
      // Weeks ahead it is a guess anyway: the rest goes on as it went until then.
      if (step > longestWalk && left < workMs) return at + ((now - at) * workMs) / (workMs - left)
      const { isOpen, until } = this.#find(now)
      if (until === Number.POSITIVE_INFINITY) return isOpen ? now + left : until
      if (isOpen) {
        if (left <= until - now) return now + left
        left -= until - now
      }
      now = until
    }
  }

  #at(at: number): { readonly isOpen: boolean; readonly until: number } {
    // Asked with every page: the answer holds until the next change.
    if (this.#known === undefined || at < this.#known.since || at >= this.#known.until)
      this.#known = { since: at, ...this.#find(at) }
    return this.#known
  }

  #find(at: number): { readonly isOpen: boolean; readonly until: number } {
    const today = Math.floor(at / dayMs)
    const coming: Interval[] = []
    // No clock is a day away from UTC, and a window may have opened the day before.
    for (let day = today - 2; day <= today + horizonDays; day++)
      for (const window of this.#windows) {
        const interval = window(day)
        if (interval !== undefined && interval.to > at) coming.push(interval)
      }
    coming.sort((a, b) => a.from - b.from)
    let until = at
    for (const { from, to } of coming) if (from <= until) until = Math.max(until, to)
    if (until > at)
      return { isOpen: true, until: until > at + (horizonDays - 2) * dayMs ? Number.POSITIVE_INFINITY : until }
    return { isOpen: false, until: coming[0]?.from ?? Number.POSITIVE_INFINITY }
  }
}

/** Minutes since midnight; undefined for what is no time of day. */
export function minutesOf(text: string): number | undefined {
  const parts = /^([01]?\d|2[0-4]):([0-5]\d)$/.exec(text)
  if (parts === null) return undefined
  const minutes = Number(parts[1]) * 60 + Number(parts[2])
  return minutes > 24 * 60 ? undefined : minutes
}

/** When a window opens that belongs to a day (counted since 1970) of its zone's calendar. */
function intervals({ from, to, zone, days }: RunWindow, where: string): (day: number) => Interval | undefined {
  const offsetOf = zoneOffset(zone, where)
  const opens = (minutesOf(from) ?? 0) * 60
  const closes = (minutesOf(to) ?? 0) * 60
  const instant = (day: number, seconds: number): number => {
    const local = day * 86_400 + seconds
    return (local - offsetOf(local)) * 1000
  }
  const found = new Map<number, Interval | undefined>()
  return (day) => {
    // 1970-01-01 was a Thursday.
    if (days !== undefined && !days.includes(weekdays[(day + 4) % 7] as (typeof weekdays)[number])) return undefined
    if (!found.has(day)) {
      if (found.size >= mostDays) found.clear()
      const interval = { from: instant(day, opens), to: instant(closes > opens ? day : day + 1, closes) }
      // Otherwise the clocks went past it.
      found.set(day, interval.to > interval.from ? interval : undefined)
    }
    return found.get(day)
  }
}
