import { isUtf8 } from 'node:buffer'
import type { JsonValue } from '@drover/core'

/** A key as errors and warnings show it: what is no text as Redis' own tools show it, a long one cut. */
export function shownKey(key: Buffer): string {
  const shown = isUtf8(key) ? JSON.stringify(key.toString()) : `"${escaped(key)}"`
  return shown.length <= longest ? shown : `${shown.slice(0, longest)}…"`
}

const longest = 200

/** The key of a record that cannot be decoded; where texts are asked for and it is none, in the form that core's JSON has for bytes. */
export function rejectedKey(key: Buffer, decode: boolean): readonly JsonValue[] {
  if (!decode) return [key.toString('base64')]
  return [isUtf8(key) ? key.toString() : { $binary: { base64: key.toString('base64'), subType: '00' } }]
}

function escaped(key: Buffer): string {
  let text = ''
  for (const byte of key) {
    if (byte === 0x22 || byte === 0x5c) text += `\\${String.fromCharCode(byte)}`
    else if (byte >= 0x20 && byte < 0x7f) text += String.fromCharCode(byte)
    else text += `\\x${byte.toString(16).padStart(2, '0')}`
  }
  return text
}
