import { DroverError, encodeJson, ValueRefused } from '@drover/core'
import type { StoredValue } from '../records/stored-value.js'
import { valueIn, type WholeForm } from './forms.js'
import { parseJson } from './json/parse-json.js'
import { ByteCursor } from './msgpack/byte-cursor.js'
import { notPlain, plainMsgpack } from './msgpack/plain-msgpack.js'
import { checkEnd } from './msgpack/show-msgpack.js'
import { naming } from './unreadable.js'

/**
 * The same value as Python's PostgreSQL saver keeps it in the checkpoint itself: of the type `inline`, its bytes JSON. Null for every value that
 * is no null, text, number or boolean, and for those that JSONB does not hold: NaN, infinities, a text with U+0000, floats of so many digits that they would come back as integers.
 *
 * @throws `RECORD_UNREADABLE`
 */
export function inlineOf(value: StoredValue): StoredValue | null {
  const { type } = value
  if (type === 'inline') return value
  if (type === 'null') return inline('null')
  if (type !== 'msgpack' && type !== 'json') return null
  const bytes = value.bytes ?? new Uint8Array(0)
  return naming(`A value of the type "${type}"`, () => (type === 'json' ? inlineOfJson(bytes) : inlineOfMsgpack(bytes)))
}

/**
 * A value of the type `inline` as one of the type `msgpack` or `json`; others as they are.
 *
 * @throws `RECORD_REFUSED` for an integer of more than 64 bits in MessagePack
 */
export function fromInline(value: StoredValue, form: WholeForm): StoredValue {
  if (value.type !== 'inline') return value
  try {
    return { type: form, bytes: valueIn(value, form) }
  } catch (error) {
    if (!(error instanceof ValueRefused)) throw error
    throw new DroverError('RECORD_REFUSED', `A value is ${error.what}. ${error.remedy}`, { cause: error })
  }
}

function inlineOfJson(bytes: Uint8Array): StoredValue | null {
  const value = parseJson(bytes)
  if (typeof value === 'object' && value !== null) return null
  return typeof value === 'string' && value.includes('\0') ? null : { type: 'inline', bytes }
}

function inlineOfMsgpack(bytes: Uint8Array): StoredValue | null {
  // Lists and maps, bytes and extensions are told from their first byte, however large they are.
  const first = bytes[0] ?? 0xc0
  if (isComposite(first)) return null
  const cursor = ByteCursor.over(bytes)
  const value = plainMsgpack(cursor)
  if (value === notPlain) return null
  checkEnd(cursor)
  if (typeof value === 'string') return value.includes('\0') ? null : inline(JSON.stringify(value))
  const isFloat = first === 0xca || first === 0xcb
  const text = isFloat ? floatText(value as number) : encodeJson(value)
  return text === null ? null : inline(text)
}

function isComposite(first: number): boolean {
  return (
    (first >= 0x80 && first < 0xa0) ||
    (first >= 0xc4 && first <= 0xc9) ||
    (first >= 0xd4 && first <= 0xd8) ||
    (first >= 0xdc && first <= 0xdf)
  )
}

/** A float stays one, with a fraction also where that is 0; null where JSONB would make an integer of it, or lose its sign. */
function floatText(value: number): string | null {
  const digits = String(value)
  if (Object.is(value, -0) || digits.includes('e+')) return null
  return /[.e]/.test(digits) ? digits : `${digits}.0`
}

function inline(json: string): StoredValue {
  return { type: 'inline', bytes: new Uint8Array(Buffer.from(json)) }
}
