import { refuseType, shownValue, ValueRefused } from '@drover/core'
import type { Codec } from '../codec.js'
import { readUtf8 } from '../native-text.js'

/** What becomes of characters that Postgres cannot keep: U+0000, and half of a surrogate pair. */
export type InvalidText = 'refuse' | 'escape'

/** `text`, `varchar`, `bpchar`, `name`, enums. */
export function textCodec(invalidText: InvalidText): Codec {
  return {
    decode: (bytes, at, length) => readUtf8(bytes, at, at + length),
    encode(value, out) {
      if (typeof value !== 'string') refuseText(value)
      if (value.includes('\0')) {
        out.text(validText(value, invalidText))
        return
      }
      const start = out.at
      // Half a pair becomes three bytes, so a text of as many bytes as characters has none.
      if (out.text(value) === value.length || value.isWellFormed()) return
      out.at = start
      out.text(validText(value, invalidText))
    },
    encodeUtf8: {
      of: 'text',
      write(bytes, at, end, out) {
        out.part(bytes, at, end)
        return true
      },
    },
    text: (value) => validText(typeof value === 'string' ? value : refuseText(value), invalidText),
  }
}

/**
 * A text that Postgres can keep. Escaped, U+0000 becomes the six characters `\u0000`, and half a pair `\ud83d`.
 *
 * @throws `ValueRefused`
 */
export function validText(text: string, invalidText: InvalidText): string {
  const hasNull = text.includes('\0')
  if (!hasNull && text.isWellFormed()) return text
  if (invalidText === 'escape') return text.replace(unkept, escaped)
  const at = hasNull ? text.indexOf('\0') : text.search(unkept)
  const what = hasNull ? 'U+0000, which Postgres has not in texts' : 'half of a surrogate pair, which UTF-8 has not'
  throw new ValueRefused(
    `${shownValue(text)}, whose character ${at + 1} is ${what}`,
    "Remove it in a step, or let it be written as an escape: invalidText: 'escape'.",
  )
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for
const unkept = /\u0000|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function refuseText(value: unknown): never {
  return refuseType(value, 'text: turn it into text in a step')
}
