import { encodeJson, ValueRefused } from '@drover/core'
import type { StoredValue } from '../records/stored-value.js'
import { holdsOddNumber, parseJson } from './json/parse-json.js'
import { ByteCursor } from './msgpack/byte-cursor.js'
import { MsgpackWriter } from './msgpack/msgpack-writer.js'
import { notPlain, plainMsgpack } from './msgpack/plain-msgpack.js'
import { checkEnd } from './msgpack/show-msgpack.js'
import { skipMsgpack } from './msgpack/skip-msgpack.js'
import { isObject } from './tags/tag.js'
import { naming } from './unreadable.js'

/** How a checkpoint is kept as one value: `msgpack` by Python's savers, `json` by those of JavaScript. */
export type WholeForm = 'msgpack' | 'json'

const noBytes = new Uint8Array(0)

/**
 * The bytes of a value within a whole of this form: its own where it has that form, else what means the same to a library of the form's language.
 *
 * @throws ValueRefused where there is no such form; `RECORD_UNREADABLE` where it is cut off or broken, and would break the whole
 */
export function valueIn(value: StoredValue, form: WholeForm): Uint8Array {
  return naming(`A value of the type "${value.type}"`, () => (form === 'msgpack' ? inMsgpack(value) : inJson(value)))
}

function inMsgpack({ type, bytes }: StoredValue): Uint8Array {
  const given = bytes ?? noBytes
  const writer = new MsgpackWriter()
  switch (type) {
    case 'msgpack':
      checkMsgpack(given)
      return given
    case 'null':
      writer.value(null)
      break
    case 'bytes':
    case 'bytearray':
      writer.binary(given)
      break
    case 'inline':
    case 'json':
      writeJson(writer, given)
      break
    default:
      throw noForm(type, 'MessagePack')
  }
  return writer.bytes
}

/** JSON that both languages read alike: no envelopes, which only the library that wrote them knows, and no numbers beyond JSON. */
function writeJson(writer: MsgpackWriter, bytes: Uint8Array): void {
  const value = parseJson(bytes)
  // `1.0` is a float to Python, and 1 to JavaScript.
  if (typeof value === 'number' && holdsWholeFloat(bytes)) writer.float(value)
  else if (holdsEnvelope(value) || holdsOddNumber(value) || holdsWholeFloat(bytes)) throw noForm('json', 'MessagePack')
  else writer.value(value)
}

const numbers = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** Whether a number stands there with a fraction or an exponent, and has none. */
function holdsWholeFloat(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  if (!/\d[.eE][+-]?\d/.test(text)) return false
  return (text.match(numbers) ?? []).some((found) => /^[^"]*[.eE]/.test(found) && Number.isInteger(Number(found)))
}

function inJson({ type, bytes }: StoredValue): Uint8Array {
  const given = bytes ?? noBytes
  switch (type) {
    case 'json':
    case 'inline':
      parseJson(given)
      return given
    case 'null':
      return Buffer.from('null')
    case 'bytes':
      // As LangGraph's serialiser for JavaScript writes bytes within a value.
      return Buffer.from(
        JSON.stringify({
          lc: 2,
          type: 'constructor',
          id: ['Uint8Array'],
          method: 'from',
          args: [Array.from(given)],
          kwargs: {},
        }),
      )
    case 'msgpack':
      return Buffer.from(jsonOfMsgpack(given))
    default:
      throw noForm(type, 'JSON')
  }
}

function jsonOfMsgpack(bytes: Uint8Array): string {
  const cursor = ByteCursor.over(bytes)
  const value = plainMsgpack(cursor)
  if (value === notPlain || holdsEnvelope(value)) throw noForm('msgpack', 'JSON')
  checkEnd(cursor)
  return encodeJson(value, { values: 'plain' })
}

export function checkMsgpack(bytes: Uint8Array): void {
  const cursor = ByteCursor.over(bytes)
  skipMsgpack(cursor)
  checkEnd(cursor)
}

/** Objects that a library takes for something else than an object. */
function holdsEnvelope(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(holdsEnvelope)
  if (!isObject(value)) return false
  return 'lc' in value || Object.values(value).some(holdsEnvelope)
}

function noForm(type: string, form: string): ValueRefused {
  return new ValueRefused(
    `of the type "${type}" and has no form in ${form} that its library would read alike`,
    'Write it to a store of the same language that keeps each channel by itself, or leave its thread out.',
  )
}
