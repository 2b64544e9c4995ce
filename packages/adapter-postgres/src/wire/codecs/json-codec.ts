import { DroverError, decodeJson, encodeJson, shownValue, ValueRefused } from '@drover/core'
import type { Codec } from '../codec.js'
import { readUtf8 } from '../native-text.js'
import type { WireBuffer } from '../wire-buffer.js'
import { jsonNull } from './json-null.js'
import { inexactNumber } from './json-numbers.js'
import { type InvalidText, validText } from './text-codec.js'

/**
 * What a json or jsonb column is in a record. `value`: parsed, integers beyond ±2^53 as `bigint`, the JSON value null as
 * `jsonNull`; a string is a JSON string. `text`: the text as Postgres prints it; what is no string is written as with `value`.
 */
export type JsonForm = 'value' | 'text'

export function jsonCodec(type: 'json' | 'jsonb', form: JsonForm, invalidText: InvalidText): Codec {
  // jsonb_send() puts the number of its format in front of the text: 1.
  const prefix = type === 'jsonb' ? 1 : 0
  const text = (value: unknown): string => {
    const json = typeof value === 'string' && form === 'text' ? value : jsonOf(value)
    return type === 'jsonb' && json.includes('\\u') ? validEscapes(json, invalidText) : json
  }
  const decodeText = (bytes: Buffer, at: number, length: number): string => readUtf8(bytes, at + prefix, at + length)
  return {
    ...(form === 'text'
      ? { decode: decodeText }
      : {
          decode: (bytes: Buffer, at: number, length: number) =>
            decodeJson(decodeText(bytes, at, length), 'plain') ?? jsonNull,
          problem: (bytes: Buffer, at: number, length: number) => problem(bytes, at + prefix, length - prefix),
        }),
    encode(value, out) {
      if (prefix > 0) writeVersion(out)
      writeText(text(value), out, invalidText)
    },
    ...(form === 'text' && {
      encodeUtf8: {
        of: 'text',
        write(bytes: Buffer, at: number, end: number, out: WireBuffer) {
          if (type === 'jsonb' && hasEscape(bytes, at, end)) return false
          if (prefix > 0) writeVersion(out)
          out.part(bytes, at, end)
          return true
        },
      },
    }),
    text: (value) => validText(text(value), invalidText),
  }
}

/** A backslash and a `u`. */
function hasEscape(bytes: Buffer, at: number, end: number): boolean {
  for (let i = at; i < end - 1; i++) if (bytes[i] === 0x5c && bytes[i + 1] === 0x75) return true
  return false
}

function problem(bytes: Buffer, at: number, length: number): string | undefined {
  const number = inexactNumber(bytes, at, length)
  if (number === undefined) return undefined
  const shown = number.length > 40 ? `${number.slice(0, 40)}…` : number
  return `holds the JSON number ${shown}, which a double would change; read the column as text: json: 'text'`
}

function writeVersion(out: WireBuffer): void {
  out.reserve(1)
  out.bytes[out.at++] = 1
}

function writeText(json: string, out: WireBuffer, invalidText: InvalidText): void {
  const start = out.at
  if (out.text(json) === json.length || json.isWellFormed()) return
  out.at = start
  out.text(validText(json, invalidText))
}

function jsonOf(value: unknown): string {
  try {
    return encodeJson(value, { values: 'plain' })
  } catch (error) {
    if (!DroverError.isInstance(error)) throw error
    const said = error.message.replace(/\.$/, '')
    throw new ValueRefused(
      `no JSON (${said})`,
      'Turn it into what JSON has in a step, or give the column another type.',
    )
  }
}

/** A pair of escapes, one that jsonb refuses, or any other. */
const escapes = /\\(?:u(d[89ab][\da-f]{2}\\ud[c-f][\da-f]{2})|u(0000|d[89a-f][\da-f]{2})|.)/gi

/** jsonb keeps characters, not escapes, and has no U+0000 and no half of a surrogate pair. The type json keeps its text. */
function validEscapes(json: string, invalidText: InvalidText): string {
  return json.replace(escapes, (found, _pair, refused: string | undefined) => {
    if (refused === undefined) return found
    if (invalidText === 'escape') return `\\${found}`
    throw new ValueRefused(
      `JSON with the character ${found}, which jsonb has not: ${shownValue(json)}`,
      "Remove it in a step, or let it be written as an escape: invalidText: 'escape'.",
    )
  })
}
