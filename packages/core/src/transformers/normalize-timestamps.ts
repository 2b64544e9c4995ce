import type { LogicalType, RecordSchema } from '../contracts/schema.js'
import type { Row } from '../contracts/values.js'
import { checkOptionNames, shown } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { formatInstant, type Instant, instantOfDate, parseInstant } from '../time/instant.js'
import { zoneOffset } from '../time/zone.js'
import { type BuiltIn, builtIn, checkFields, retyped } from './built-in.js'

export interface NormalizeTimestampsOptions {
  /** The zone of texts that name none: `UTC`, an offset such as `+02:00`, or a name such as `Europe/Berlin`. @default 'UTC' */
  readonly assumeZone?: string
  /**
   * What numbers count since 1970. Without it their size tells: below 10^11 seconds, below 10^14 milliseconds. That holds
   * from March 1973 to the year 5138; milliseconds before it need the option.
   */
  readonly epoch?: EpochUnit
}

export type EpochUnit = 'seconds' | 'milliseconds' | 'microseconds'

/** What becomes of a field: a text; null and missing stay. */
type Normalized<V> = unknown extends V ? string | null : string | Extract<V, null | undefined>

/** A record whose timestamps are texts. */
export type WithTimestamps<R, F extends string> = Omit<R, F> & {
  [K in F]: K extends keyof R ? Normalized<R[K]> : string | null | undefined
}

/** What `normalizeTimestamps` gives. */
export interface NormalizeTimestampsTransformer<F extends string> extends BuiltIn {
  <R extends { readonly [K in F]?: unknown }>(record: R): WithTimestamps<R, F>
}

const unitsPerSecond: Readonly<Record<EpochUnit, number>> = { seconds: 1, milliseconds: 1e3, microseconds: 1e6 }

/**
 * Writes timestamps as ISO 8601 in UTC, whatever mix of forms and zones the records hold: `2025-01-31T08:30:00.000Z`.
 *
 * It reads ISO 8601 with an offset or without, what SQL databases write (`2025-01-31 09:30:00.123456+01`), dates alone
 * (midnight), `Date`, and numbers of seconds or milliseconds since 1970. A text keeps the digits of the second that it
 * has, at least three are written; numbers are exact to the microsecond. Null and missing stay; anything else is refused.
 *
 * ```ts
 * normalizeTimestamps(['created_at', 'updated_at'], { assumeZone: 'Europe/Berlin' })
 * ```
 *
 * @throws `OPTION_INVALID`; `TRANSFORM_FAILED` for a value that is no timestamp, with the field and the value.
 */
export function normalizeTimestamps<const F extends string>(
  fields: readonly F[],
  options: NormalizeTimestampsOptions = {},
): NormalizeTimestampsTransformer<F> {
  checkFields('normalizeTimestamps', fields)
  checkOptionNames('normalizeTimestamps', options, ['assumeZone', 'epoch'])
  const { assumeZone = 'UTC', epoch } = options
  if (epoch !== undefined && !Object.hasOwn(unitsPerSecond, epoch)) {
    const units = Object.keys(unitsPerSecond).join(', ')
    throw new DroverError('OPTION_INVALID', `normalizeTimestamps: epoch is one of ${units}, not ${shown(epoch)}.`)
  }
  const normalize = normalizer(zoneOffset(assumeZone, 'normalizeTimestamps: assumeZone'), epoch)
  const run = (record: Row): Row => {
    const normalized = { ...record }
    for (const field of fields) {
      const value = record[field]
      if (value === null || value === undefined) continue
      normalized[field] = normalize(value) ?? refuse(field, value)
    }
    return normalized
  }
  const describe = (schema: RecordSchema) => retyped(schema, fields, asTimestamp)
  const args = { fields, assumeZone, epoch }
  return builtIn({ name: 'normalizeTimestamps', reads: fields, writes: fields, describe }, args, run)
}

/** The text of a value that is a timestamp, else null. */
function normalizer(
  offsetAt: (seconds: number) => number,
  epoch: EpochUnit | undefined,
): (value: unknown) => string | null {
  return (value) => {
    switch (typeof value) {
      case 'string': {
        const said = parseInstant(value)
        if (said === null) return null
        const { seconds, nanos, digits, zoned } = said
        return written(zoned ? said : { seconds: seconds - offsetAt(seconds), nanos }, digits)
      }
      case 'number':
      case 'bigint':
        return written(ofNumber(Number(value), epoch))
      default:
        return value instanceof Date ? written(instantOfDate(value)) : null
    }
  }
}

/** Null for an instant beyond those that a `Date` can hold, and for one that is none. */
function written(instant: Instant | null, digits = 3): string | null {
  return instant !== null && Math.abs(instant.seconds) <= 8.64e12 ? formatInstant(instant, digits) : null
}

/** To the microsecond: the seconds of our time leave a double no more digits than that. */
function ofNumber(value: number, epoch: EpochUnit | undefined): Instant | null {
  const unit = epoch ?? unitBySize(value)
  if (unit === null || !Number.isFinite(value)) return null
  const per = unitsPerSecond[unit]
  const seconds = Math.floor(value / per)
  const micros = Math.round(((value - seconds * per) * 1e6) / per)
  return micros === 1e6 ? { seconds: seconds + 1, nanos: 0 } : { seconds, nanos: micros * 1000 }
}

function unitBySize(value: number): EpochUnit | null {
  const size = Math.abs(value)
  return size < 1e11 ? 'seconds' : size < 1e14 ? 'milliseconds' : null
}

/** Texts and numbers of a finer grain than microseconds are rare, and hardly a store would take them. */
function asTimestamp(was: LogicalType): LogicalType {
  const digits = was.kind === 'timestamp' ? Math.max(3, was.digits) : was.kind === 'int' || was.kind === 'date' ? 3 : 6
  return { kind: 'timestamp', zone: true, digits }
}

function refuse(field: string, value: unknown): never {
  throw new DroverError(
    'TRANSFORM_FAILED',
    `normalizeTimestamps: field "${field}" holds ${shown(value)}, which is no timestamp; it takes ISO 8601, "YYYY-MM-DD HH:MM:SS", seconds or milliseconds since 1970, and Date.`,
  )
}
