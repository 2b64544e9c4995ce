import { canonical } from '@drover/conformance'
import { decodeJson, type LogicalType, parseInstant } from '@drover/core'

/**
 * How a value arrived: `''` as it was, by value and type; else in words the other form that it is in, from which it can be told again;
 * null if it is another value.
 */
export function formOf(given: unknown, arrived: unknown, type: LogicalType): string | null {
  if (canonical(given) === canonical(arrived)) return ''
  return forms.find(([, isIt]) => isIt(given, arrived, type))?.[0] ?? null
}

type Form = (given: unknown, arrived: unknown, type: LogicalType) => boolean

const forms: readonly (readonly [string, Form])[] = [
  ['as 1 and 0', (given, arrived) => typeof given === 'boolean' && arrived === Number(given)],
  [
    'as a vector',
    (given, arrived) => arrived instanceof Float32Array && Array.isArray(given) && isList(arrived, given),
  ],
  ['as a list', (given, arrived) => Array.isArray(arrived) && isList(given, arrived)],
  [
    'as text of JSON',
    (given, arrived, { kind }) =>
      (kind === 'json' || isObject(given)) && isText(arrived) && isSame(given, decoded(arrived)),
  ],
  [
    'parsed',
    (given, arrived, { kind }) => kind === 'json' && typeof given === 'string' && isSame(decoded(given), arrived),
  ],
  [
    'with other zeros at the end',
    (given, arrived, { kind }) =>
      kind === 'timestamp' || kind === 'time'
        ? isText(given) && isText(arrived) && sameMoment(given, arrived)
        : kind === 'decimal' && isText(given) && isText(arrived) && shortest(given) === shortest(arrived),
  ],
  // SQLite's own doing, in every column of floats. The two are equal.
  ['as 0', (given, arrived) => Object.is(given, -0) && Object.is(arrived, 0)],
  [
    'integers as numbers',
    (given, arrived, { kind }) =>
      kind === 'any' &&
      typeof given === 'bigint' &&
      Number.isSafeInteger(arrived) &&
      BigInt(arrived as number) === given,
  ],
]

function isList(given: unknown, arrived: readonly unknown[]): boolean {
  if (!(given instanceof Float32Array) || given.length !== arrived.length) return false
  return arrived.every((item, i) => typeof item === 'number' && Object.is(Math.fround(item), given[i]))
}

function isSame(given: unknown, arrived: unknown): boolean {
  return canonical(given) === canonical(arrived) || (Array.isArray(arrived) && isList(given, arrived))
}

function decoded(text: string): unknown {
  try {
    return decodeJson(text)
  } catch {
    return undefined
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function sameMoment(a: string, b: string): boolean {
  const zoned = (text: string): string => (/(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text} without zone`)
  if (zoned(a).endsWith('zone') !== zoned(b).endsWith('zone')) return false
  return withoutZeros(a) === withoutZeros(b) && parseInstant(dated(a))?.seconds === parseInstant(dated(b))?.seconds
}

/** A time of day is one of some day. */
function dated(text: string): string {
  const moment = text.includes('T') ? text : `2000-01-01T${text}`
  return /Z$/.test(moment) ? moment : `${moment}Z`
}

/** `23:59:59.500000Z` and `23:59:59.5Z` */
function withoutZeros(text: string): string {
  return text.replace(/(\.\d*?)0+(?=Z?$)/, '$1').replace(/\.(?=Z?$)/, '')
}

/** `1.50` and `1.5` */
function shortest(decimal: string): string {
  return decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal
}
