import type { WireBuffer } from './wire-buffer.js'

/**
 * The forms of one type's values: as records hold them, as COPY binary and as COPY text and array literals do.
 * NULL is not its business.
 */
export interface Codec {
  /** Of the bytes `[at, at + length)`. */
  decode(bytes: Buffer, at: number, length: number): unknown
  /**
   * Writes the binary form, without the length in front of it.
   *
   * @throws `ValueRefused`
   */
  encode(value: unknown, out: WireBuffer): void
  /**
   * The text that Postgres reads as the value, before anything is escaped.
   *
   * @throws `ValueRefused`
   */
  text(value: unknown): string
  /**
   * The binary form of a value that stands as UTF-8 in `[at, end)`: what `encode` writes of the text or, where a codec takes them, of the
   * integer. Codecs without it are given the value. The bytes hold no U+0000.
   *
   * @returns Whether it did; if not, nothing is written, and the value is to be encoded.
   */
  readonly encodeUtf8?: { readonly of: 'text' | 'integer'; readonly write: WriteUtf8 } | undefined
  /**
   * Why the bytes cannot be decoded without a loss; undefined if they can. Codecs without it can decode all that
   * Postgres sends.
   */
  problem?(bytes: Buffer, at: number, length: number): string | undefined
}

export type WriteUtf8 = (bytes: Buffer, at: number, end: number, out: WireBuffer) => boolean

/** A value that a column cannot take as it is. Whoever knows field and row makes a `RECORD_REFUSED` of it. */
export class ValueRefused extends Error {
  override readonly name = 'ValueRefused'

  /**
   * @param what It is: "1.5", "a text of 70 bytes".
   * @param remedy What can be done, as a sentence.
   */
  constructor(
    readonly what: string,
    readonly remedy: string,
  ) {
    super(`${what}; ${remedy}`)
  }
}

/** For a value of a JavaScript type that is none of the column's. */
export function refuseType(value: unknown, expected: string): never {
  throw new ValueRefused(shownValue(value), `It takes ${expected}.`)
}

/** A value as a message shows it: never all of a long one. */
export function shownValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `the text ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)}`
    case 'number':
      return Object.is(value, -0) ? 'the number -0' : `the number ${value}`
    case 'bigint': {
      const digits = String(value)
      return digits.length > 40 ? `an integer of ${digits.length} digits` : `the integer ${digits}`
    }
    case 'boolean':
      return String(value)
    case 'object':
      return value === null ? 'null' : shownObject(value)
    default:
      return `a ${typeof value}`
  }
}

function shownObject(value: object): string {
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'a Date that is none' : 'a Date'
  const name: unknown = value.constructor?.name
  return typeof name === 'string' && name !== 'Object' && name !== '' ? `a ${name}` : 'an object'
}
