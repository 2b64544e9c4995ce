import { shown } from '../errors/check-options.js'
import { DroverError } from '../errors/drover-error.js'
import { indentJson } from './indent-json.js'
import { decodeTags, isTagged, isTagName, mayHoldTags } from './json-tags.js'
import { holdsUnsafeNumber, parseExactly } from './parse-exactly.js'
import { shortestFloat32 } from './shortest-float32.js'

/**
 * What becomes of values that JSON cannot hold. `extended`: they are written in the forms of MongoDB Extended JSON v2
 * and read back as they were. `plain`: writing refuses them, reading takes every object as it stands.
 */
export type JsonValues = 'extended' | 'plain'

export interface JsonEncoding {
  /** @default 'extended' */
  readonly values?: JsonValues
  /** Fields of the record whose logical type is `any`: their integers and floats are told apart by tags. */
  readonly anyFields?: ReadonlySet<string>
}

const noFields: ReadonlySet<string> = new Set()

/**
 * A record, or any value, as one line of JSON: plain JSON wherever JSON can hold the value.
 *
 * - `bigint`: a bare integer; read back as `number` if it is safe, else as `bigint`.
 * - `Uint8Array`: `{"$binary":{"base64":"…","subType":"00"}}`
 * - NaN, ±Infinity, -0: `{"$numberDouble":"NaN"}` and so on; `plain` writes -0 as `-0`, which JSON has.
 * - In `anyFields`: `{"$numberLong":"1"}` is a bigint, `{"$numberDouble":"1.0"}` an integral number.
 * - `Float32Array`: an array of the shortest digits that give the same float32.
 * - `Date`: ISO 8601.
 * - An object whose only name is one of these tags: `{"$json":{…}}`.
 *
 * @throws `RECORD_REFUSED`, naming the field, for what no form exists: functions, symbols, invalid dates, `Map`, values
 * that contain themselves, and, if `values` is `plain`, everything that would need a tag.
 */
export function encodeJson(value: unknown, { values = 'extended', anyFields = noFields }: JsonEncoding = {}): string {
  try {
    if (anyFields.size === 0 && isPlain(value)) return JSON.stringify(value)
    return write(value, values === 'extended', anyFields, '') ?? 'null'
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const reason = /call stack/i.test(error.message)
      ? 'it contains itself, or is nested too deeply'
      : 'its text is too long'
    throw new DroverError('RECORD_REFUSED', `A record cannot be written as JSON: ${reason}.`, { cause: error })
  }
}

/**
 * The same, spread over lines as `JSON.stringify` does it.
 *
 * @param indent Spaces of each level.
 * @param depth Levels that the value itself stands in.
 * @throws as {@link encodeJson}
 */
export function encodeIndented(value: unknown, encoding: JsonEncoding, indent: number, depth: number): string {
  const { anyFields = noFields } = encoding
  if (indent > mostNative || anyFields.size > 0 || !isPlain(value)) {
    return indentJson(encodeJson(value, encoding), indent, depth)
  }
  // No text of JSON has a line feed within.
  return JSON.stringify(value, null, indent).replaceAll('\n', `\n${' '.repeat(indent * depth)}`)
}

/** `JSON.stringify` takes no more spaces. */
const mostNative = 10

/**
 * Reads what `encodeJson` wrote, and any JSON. Integers keep all their digits: beyond ±2^53 they are `bigint`.
 *
 * @throws `SyntaxError` if the text is no JSON.
 */
export function decodeJson(text: string, values: JsonValues = 'extended'): unknown {
  let value: unknown = JSON.parse(text)
  if (holdsUnsafeNumber(value)) value = parseExactly(text)
  return values === 'extended' && mayHoldTags(text) ? decodeTags(value) : value
}

/** Whether `JSON.stringify` loses nothing of it, and `JSON.parse` gives it back. */
function isPlain(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return isPlainNumber(value)
    case 'object':
      return value === null || isPlainObject(value)
    default:
      return false
  }
}

function isPlainObject(value: object): boolean {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!isPlain(value[i])) return false
    return true
  }
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  for (const name in value) {
    const field = (value as Record<string, unknown>)[name]
    if ((typeof field !== 'string' && !isPlain(field)) || isTagName(name)) return false
  }
  return true
}

/** Beyond ±2^53 an integral number has to be written with a fraction, or it would come back as a bigint. */
function isPlainNumber(value: number): boolean {
  return value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER && (value !== 0 || 1 / value > 0)
}

/** The text of a value; undefined if JSON leaves it out. `path` names the field in errors. */
function write(value: unknown, extended: boolean, anyFields: ReadonlySet<string>, path: string): string | undefined {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'number':
      return writeNumber(value, extended, path)
    case 'boolean':
    case 'bigint':
      return String(value)
    case 'undefined':
      return undefined
    case 'object':
      return value === null ? 'null' : writeObject(value, extended, anyFields, path)
    default:
      throw refused(path, `${typeof value === 'function' ? 'a function is' : 'a symbol is'} no value`)
  }
}

function writeNumber(value: number, extended: boolean, path: string): string {
  if (isPlainNumber(value)) return String(value)
  if (value === 0) return extended ? '{"$numberDouble":"-0.0"}' : '-0'
  if (Number.isFinite(value)) return withFraction(value)
  if (extended) return `{"$numberDouble":"${value}"}`
  throw refused(path, `JSON has no ${value}`)
}

function withFraction(value: number): string {
  const digits = String(value)
  return /[.e]/.test(digits) ? digits : `${digits}.0`
}

function writeObject(
  value: object,
  extended: boolean,
  anyFields: ReadonlySet<string>,
  path: string,
): string | undefined {
  if (Array.isArray(value)) return writeList(value, extended, path)
  if (ArrayBuffer.isView(value)) return writeView(value, extended, path)
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    const json = (value as { toJSON?: unknown }).toJSON
    if (value instanceof Date && Number.isNaN(value.getTime())) throw refused(path, 'the date is invalid')
    if (typeof json === 'function') return write(json.call(value, path), extended, noFields, path)
    if (value instanceof Number || value instanceof String || value instanceof Boolean) {
      return write(value.valueOf(), extended, noFields, path)
    }
    if (Object.keys(value).length === 0) throw refused(path, `JSON has no form for ${shown(value)}`)
  }
  return writeFields(value as Record<string, unknown>, extended, anyFields, path)
}

function writeFields(
  value: Record<string, unknown>,
  extended: boolean,
  anyFields: ReadonlySet<string>,
  path: string,
): string {
  let text = ''
  for (const name of Object.keys(value)) {
    const field = value[name]
    const written =
      (anyFields.has(name) ? writeAny(field, extended, name) : undefined) ??
      write(field, extended, noFields, path === '' ? name : `${path}.${name}`)
    if (written !== undefined) text += `${text === '' ? '' : ','}${quotedName(name)}:${written}`
  }
  return extended && isTagged(value) ? `{"$json":{${text}}}` : `{${text}}`
}

const quotedNames = new Map<string, string>()

/** Records share their names: quoting each of them again took a third of the time. */
function quotedName(name: string): string {
  let quoted = quotedNames.get(name)
  if (quoted !== undefined) return quoted
  quoted = JSON.stringify(name)
  if (quotedNames.size < 1000 && name.length < 100) quotedNames.set(name, quoted)
  return quoted
}

/** Numbers of a field whose values bring their own types; undefined for other values. */
function writeAny(value: unknown, extended: boolean, path: string): string | undefined {
  const isInteger = typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))
  if (!isInteger) return undefined
  if (!extended) throw refused(path, 'plain JSON cannot tell the integer 1 from the float 1.0')
  if (typeof value === 'bigint') return `{"$numberLong":"${value}"}`
  return Object.is(value, -0) ? undefined : `{"$numberDouble":"${withFraction(value as number)}"}`
}

function writeList(values: readonly unknown[], extended: boolean, path: string): string {
  let text = ''
  for (let i = 0; i < values.length; i++) {
    text += `${i === 0 ? '' : ','}${write(values[i], extended, noFields, `${path}[${i}]`) ?? 'null'}`
  }
  return `[${text}]`
}

function writeView(view: ArrayBufferView, extended: boolean, path: string): string {
  if (view instanceof Float32Array) {
    const digits = Array.from(view, (value, i) => {
      return Number.isFinite(value) && !Object.is(value, -0)
        ? shortestFloat32(value)
        : writeNumber(value, extended, `${path}[${i}]`)
    })
    return `[${digits.join(',')}]`
  }
  if (!(view instanceof Uint8Array) && !(view instanceof DataView)) {
    return writeList(Array.from(view as unknown as ArrayLike<unknown>), extended, path)
  }
  if (!extended) throw refused(path, 'plain JSON has no bytes')
  const base64 = Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('base64')
  return `{"$binary":{"base64":"${base64}","subType":"00"}}`
}

function refused(path: string, reason: string): DroverError {
  const where = path === '' ? 'A value' : `Field "${path}"`
  return new DroverError('RECORD_REFUSED', `${where} cannot be written as JSON: ${reason}.`)
}
