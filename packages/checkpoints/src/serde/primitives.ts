import { DroverError } from '@drover/core'
import type { StoredValue } from '../records/stored-value.js'

/** Whether it is null, a text, a number or a boolean, in whichever form. */
export function isPrimitive(value: StoredValue): boolean {
  return inlineOf(value) !== null
}

/**
 * The same value as Python's PostgreSQL saver keeps it in the checkpoint itself: of the type `inline`, its bytes JSON. Null for every value that
 * is no null, text, number or boolean, and for those that JSONB does not hold: NaN, infinities, a text with U+0000.
 *
 * @throws `RECORD_UNREADABLE`
 */
export function inlineOf(value: StoredValue): StoredValue | null {
  throw new DroverError('UNEXPECTED', `Not yet: ${value.type}.`)
}

/** A value of the type `inline` as one of the type `msgpack` or `json`; others as they are. */
export function fromInline(value: StoredValue, form: 'msgpack' | 'json'): StoredValue {
  throw new DroverError('UNEXPECTED', `Not yet: ${value.type}, ${form}.`)
}
