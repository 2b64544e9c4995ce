import { randomUUID } from 'node:crypto'
import { decodeJson, encodeJson } from '@drover/core'
import { TooDeep, Unreadable } from '../unreadable.js'

/** The only name of an object that stands for a number which Python writes and JSON does not have. No data can know it. */
const oddNumber = `number ${randomUUID()}`
const markedNumbers = new RegExp(`"${oddNumber}(NaN|-?Infinity)"`, 'g')
const pythonNumbers = /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g

/** Parses JSON; integers beyond ±2^53 are `bigint`. What {@link oddNumberOf} knows stands for NaN and infinities, which Python writes. @throws Unreadable */
export function parseJson(bytes: Uint8Array): unknown {
  const text = textOf(bytes)
  try {
    return decodeJson(text, 'plain')
  } catch (error) {
    if (error instanceof RangeError) throw new TooDeep()
    if (!(error instanceof SyntaxError)) throw error
    return parsePython(text, error)
  }
}

/** Parses JSON as Python and JavaScript write it, with NaN and infinities as the numbers that they are. @throws Unreadable */
export function parseWithNumbers(text: string): unknown {
  try {
    return decodeJson(text, 'plain')
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return withNumbers(parsePython(text, error))
  }
}

/** JSON as Python's `json.dumps` writes it: with NaN and infinities, which JSON does not have. */
export function pythonJson(value: unknown): string {
  const marked = (one: unknown): unknown => {
    if (typeof one === 'number') return Number.isFinite(one) ? one : `${oddNumber}${one}`
    if (typeof one !== 'object' || one === null) return one
    if (Array.isArray(one)) return one.map(marked)
    return Object.fromEntries(Object.entries(one).map(([name, held]) => [name, marked(held)]))
  }
  return encodeJson(marked(value), { values: 'plain' }).replaceAll(markedNumbers, '$1')
}

function withNumbers(value: unknown): unknown {
  if (!holdsOddNumber(value)) return value
  if (Array.isArray(value)) return value.map(withNumbers)
  const fields = value as object
  return (
    oddNumberOf(fields) ?? Object.fromEntries(Object.entries(fields).map(([name, one]) => [name, withNumbers(one)]))
  )
}

/** The number behind such an object; undefined for every other value. */
export function oddNumberOf(value: object): number | undefined {
  const number: unknown = (value as Record<string, unknown>)[oddNumber]
  return typeof number === 'string' ? Number(number) : undefined
}

/** Whether there is one within. */
export function holdsOddNumber(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return oddNumberOf(value) !== undefined || Object.values(value).some(holdsOddNumber)
}

function parsePython(text: string, error: SyntaxError): unknown {
  const plain = text.replace(pythonNumbers, (found) =>
    found.startsWith('"') ? found : JSON.stringify({ [oddNumber]: found }),
  )
  if (plain === text) throw unreadable(error, text)
  try {
    return decodeJson(plain, 'plain')
  } catch (again) {
    if (!(again instanceof SyntaxError)) throw again
    throw new Unreadable('it is no JSON', null)
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new Unreadable('it is no UTF-8', null)
  }
}

/** V8 says what is wrong in words, and not always where. */
function unreadable({ message }: SyntaxError, text: string): Unreadable {
  const said = /at position (\d+)/.exec(message)?.[1]
  const place = /^Unexpected end|^Unterminated/.test(message) ? text.length : said === undefined ? null : Number(said)
  if (place === null) return new Unreadable('it is no JSON', null)
  const offset = Buffer.byteLength(text.slice(0, place))
  return new Unreadable(place >= text.length ? 'the JSON ends too soon' : 'this is no JSON', offset)
}
