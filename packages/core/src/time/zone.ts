import { shown } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'

const fixed = /^([+-])(\d\d):?(\d\d)$/

/**
 * Makes a function that says how many seconds a zone's clocks are ahead of UTC when they show a local time, which is
 * given in seconds since 1970 as if it were UTC. A time that the clocks skip or show twice is taken as Temporal does by
 * default: by the offset before the change.
 *
 * @throws `OPTION_INVALID` for a zone that this system does not know.
 */
export function zoneOffset(zone: string, where: string): (localSeconds: number) => number {
  if (zone === 'UTC' || zone === 'Z') return () => 0
  const parts = fixed.exec(zone)
  if (parts !== null) {
    const size = Number(parts[2]) * 3600 + Number(parts[3]) * 60
    const offset = parts[1] === '-' ? -size : size
    return () => offset
  }
  const offsetAt = namedZone(zone, where)
  return (local) => {
    // No zone is a day away from UTC: the offsets a day earlier and later are those before and after any change at hand.
    const before = offsetAt(local - 86_400)
    const after = offsetAt(local + 86_400)
    if (before === after || offsetAt(local - before) === before) return before
    return offsetAt(local - after) === after ? after : before
  }
}

/** Seconds ahead of UTC at an instant. */
function namedZone(zone: string, where: string): (seconds: number) => number {
  const format = formatOf(zone, where)
  return (seconds) => {
    const parts = new Map(format.formatToParts(seconds * 1000).map(({ type, value }) => [type, Number(value)]))
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0
    const date = new Date(0)
    // setUTCFullYear takes the years 0 to 99 as they are; Date.UTC would add 1900.
    date.setUTCFullYear(part('year'), part('month') - 1, part('day'))
    date.setUTCHours(part('hour'), part('minute'), part('second'))
    return date.getTime() / 1000 - seconds
  }
}

function formatOf(zone: unknown, where: string): Intl.DateTimeFormat {
  const fields = {
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  } as const
  try {
    if (typeof zone === 'string' && zone !== '') {
      return new Intl.DateTimeFormat('en-US', { timeZone: zone, calendar: 'iso8601', hourCycle: 'h23', ...fields })
    }
  } catch (cause) {
    throw new DroverError('OPTION_INVALID', message(zone, where), { cause })
  }
  throw new DroverError('OPTION_INVALID', message(zone, where))
}

function message(zone: unknown, where: string): string {
  return `${where}: there is no time zone ${shown(zone)}; give UTC, an offset such as +02:00, or a name such as Europe/Berlin.`
}
