import type { Count, JsonValue, Operation, RecordSchema } from '@drover/core'
import type { RedisReader } from './redis-reader.js'

/** Keys that are read together: one checkpoint, or all messages of a session. */
export interface Unit {
  /** Units are read in the order of their names, and a cursor names the one that it stands in. */
  readonly name: string
  readonly keys: readonly string[]
}

/** One record of a unit, or what is there instead of one. */
export interface Entry<R> {
  readonly unit: string
  /** Where it stands in its unit. */
  readonly place: JsonValue
  readonly key: readonly JsonValue[]
  readonly bytes: number
  readonly record?: R
  /** Why there is no record. */
  readonly error?: unknown
  readonly raw?: Uint8Array
}

/** Where to go on in a unit. */
export interface After {
  readonly unit: string
  readonly place: JsonValue
}

/** Counts what is not as it was when keys were looked for. */
export interface Notes {
  /** Keys that were found, and were gone when they were to be read. */
  gone: number
  /** Keys that another layout has made. */
  others: number
  /** Lists that lost messages while they were read. */
  shortened: number
  /** Records that the store forgets some day, and which do not say so. */
  expiring: number
}

/** How a layout is read. */
export interface Reading<R> {
  readonly schema: RecordSchema
  /** For warnings: `keys that begin with "checkpoint:"`. */
  readonly sought: string
  /** All of them, in order. */
  units(reader: RedisReader, operation: Operation): Promise<readonly Unit[]>
  count(reader: RedisReader, units: readonly Unit[], operation: Operation): Promise<Count>
  /** @param after Where to begin in the first of the units, if that is the one it names. */
  entries(
    reader: RedisReader,
    units: readonly Unit[],
    after: After | null,
    notes: Notes,
    operation: Operation,
  ): AsyncIterable<Entry<R>>
}
