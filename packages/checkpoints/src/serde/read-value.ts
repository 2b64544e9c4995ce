import { DroverError } from '@drover/core'
import type { StoredValue } from '../records/stored-value.js'
import type { SerdeKeys } from './serde-keys.js'

/** A value as a person reads it. */
export interface Shown {
  /** JSON; integers beyond ±2^53 are `bigint`. What JSON has no form for stands as an object with `$type`, see docs/checkpoints.md. */
  readonly json: unknown
  /** How many values in it stay opaque, by type: `pickle`, `msgpack+aes`, `ext 42`. Empty if it was read whole. */
  readonly opaque: Readonly<Record<string, number>>
}

/**
 * Shows what a value holds. Nothing that the value names is ever imported, looked up or called: a class, a function, a module are names in the answer.
 *
 * @throws `RECORD_UNREADABLE` naming the byte where a value of a known type is cut off or broken, or its key does not fit
 */
export function readValue(value: StoredValue, options: { readonly keys?: SerdeKeys } = {}): Shown {
  throw new DroverError('UNEXPECTED', `Not yet: ${value.type}, ${Object.keys(options)}.`)
}
