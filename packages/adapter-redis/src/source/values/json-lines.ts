import { expiryText } from './pour-keys.js'
import type { StoredKey } from './stored-key.js'

/** Text of so many bytes is given room for the worst that escaping makes of it: six bytes for each. */
const piece = 4096
const worst = 6

/** What stands behind the backslash; `u` is followed by four digits. As `JSON.stringify` has it. */
const escapes = new Uint8Array(256)
escapes.fill(0x75, 0, 0x20)
for (const [text, letter] of [
  ['"', '"'],
  ['\\', '\\'],
  ['\b', 'b'],
  ['\t', 't'],
  ['\n', 'n'],
  ['\f', 'f'],
  ['\r', 'r'],
] as const) {
  escapes[text.charCodeAt(0)] = letter.charCodeAt(0)
}

const digits = Buffer.from('0123456789abcdef')
const [keyName, valueName, expiryName] = ['{"key":', ',"type":"TYPE","value":', ',"expires_at":']
const valueNames = new Map(
  ['string', 'hash', 'list', 'set'].map((type) => [type, Buffer.from(valueName.replace('TYPE', type))]),
)
const before = Buffer.from(keyName)
const forever = Buffer.from(`${expiryName}null}\n`)

/**
 * Writes records as JSON, from the bytes in which they came: making texts, and JSON of texts, and bytes of JSON takes three times as
 * long. All texts must be known to be UTF-8.
 */
export class JsonLines {
  #bytes = Buffer.allocUnsafeSlow(64 * 1024)
  #at = 0

  /** Undefined if a key holds what is not made of texts alone. Valid until the next call. */
  of(stored: readonly StoredKey[]): Uint8Array | undefined {
    this.#at = 0
    for (const { key, type, value, expiresAt } of stored) {
      const middle = valueNames.get(type)
      if (middle === undefined) return undefined
      this.#raw(before)
      this.#text(key)
      this.#raw(middle)
      if (type === 'string') this.#text(value as Buffer)
      else if (type === 'hash') {
        if (!this.#fields(value as readonly Buffer[])) return undefined
      } else
        this.#list(
          type === 'set' ? (value as readonly Buffer[]).toSorted(Buffer.compare) : (value as readonly Buffer[]),
        )
      this.#raw(expiresAt < 0 ? forever : Buffer.from(`${expiryName}"${expiryText(expiresAt)}"}\n`))
    }
    return this.#bytes.subarray(0, this.#at)
  }

  /** An object with a name that begins with `$` may look like a value that JSON cannot hold: whoever knows these sees to it. */
  #fields(fieldsAndValues: readonly Buffer[]): boolean {
    this.#byte(0x7b)
    for (let i = 0; i < fieldsAndValues.length; i += 2) {
      const name = fieldsAndValues[i] as Buffer
      if (name[0] === 0x24) return false
      if (i > 0) this.#byte(0x2c)
      this.#text(name)
      this.#byte(0x3a)
      this.#text(fieldsAndValues[i + 1] as Buffer)
    }
    this.#byte(0x7d)
    return true
  }

  #list(items: readonly Buffer[]): void {
    this.#byte(0x5b)
    for (let i = 0; i < items.length; i++) {
      if (i > 0) this.#byte(0x2c)
      this.#text(items[i] as Buffer)
    }
    this.#byte(0x5d)
  }

  #text(text: Buffer): void {
    const { length } = text
    this.#byte(0x22)
    for (let from = 0; from < length; from += piece) this.#escaped(text, from, Math.min(from + piece, length))
    this.#byte(0x22)
  }

  #escaped(text: Buffer, from: number, end: number): void {
    this.#reserve((end - from) * worst)
    const bytes = this.#bytes
    let at = this.#at
    for (let i = from; i < end; i++) {
      const byte = text[i] as number
      const letter = escapes[byte] as number
      if (letter === 0) {
        bytes[at++] = byte
        continue
      }
      bytes[at++] = 0x5c
      bytes[at++] = letter
      if (letter !== 0x75) continue
      bytes[at++] = 0x30
      bytes[at++] = 0x30
      bytes[at++] = digits[byte >> 4] as number
      bytes[at++] = digits[byte & 15] as number
    }
    this.#at = at
  }

  #raw(bytes: Buffer): void {
    this.#reserve(bytes.length)
    for (let i = 0; i < bytes.length; i++) this.#bytes[this.#at + i] = bytes[i] as number
    this.#at += bytes.length
  }

  #byte(byte: number): void {
    this.#reserve(1)
    this.#bytes[this.#at++] = byte
  }

  #reserve(more: number): void {
    const needed = this.#at + more
    if (needed <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2))
    this.#bytes.copy(larger, 0, 0, this.#at)
    this.#bytes = larger
  }
}
