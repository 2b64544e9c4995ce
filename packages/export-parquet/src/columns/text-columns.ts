import { isUtf8 } from 'node:buffer'
import { DroverError, encodeJson, type LogicalType, refuseType, shownValue, ValueRefused } from '@drover/core'
import { VariableColumn } from './bytes-columns.js'
import type { LateRefusal } from './column-builder.js'

/** A call into C++ costs more than so few characters do. */
const shortText = 24
const longText = 32 * 1024

/** Texts as UTF-8. */
abstract class Utf8Column<T extends LogicalType> extends VariableColumn<T> {
  override bytes(from: Uint8Array, start: number, end: number): void {
    if (!this.isDirect) super.bytes(from, start, end)
    else if (end > start && ((from[start] as number) & 0xc0) === 0x80) throw this.refusal(...invalidUtf8)
    else this.pourBytes(from, start, end)
  }

  /** One look at all that a page has poured spares one at each. That each of them begins with a character was seen before. */
  override poured(from: number): LateRefusal | undefined {
    super.poured(from)
    if (!this.isDirect || isUtf8(this.room.subarray(this.startOf(from), this.used))) return undefined
    let row = from
    while (isUtf8(this.room.subarray(this.startOf(row), this.startOf(row + 1)))) row++
    return { row, refused: this.refusal(...invalidUtf8) }
  }

  protected putText(text: string): void {
    const { length } = text
    // No character of a JavaScript string takes more than three bytes.
    this.reserveValue(length < longText ? length * 3 : Buffer.byteLength(text))
    const { room, used } = this
    if (length < shortText) {
      let i = 0
      for (; i < length; i++) {
        const unit = text.charCodeAt(i)
        if (unit > 0x7f) break
        room[used + i] = unit
      }
      if (i === length) {
        this.ended(used + length)
        return
      }
    }
    const size = (room as Buffer & NativeText).utf8Write(text, used, room.length - used)
    // Half a pair becomes three bytes that are another character; where there are as many bytes as characters is none.
    if (size !== length && !text.isWellFormed()) throw halfPair(text)
    this.ended(used + size)
  }
}

export class TextColumn extends Utf8Column<{ readonly kind: 'text' }> {
  protected put(value: unknown): void {
    this.putText(typeof value === 'string' ? value : this.holding.isNamed ? textOf(value) : refuseType(value, expected))
  }
}

/** JSON as text. Where the source has texts and the user said that they are JSON, they stay as they are. */
export class JsonColumn extends Utf8Column<{ readonly kind: 'json' }> {
  protected put(value: unknown): void {
    const isText = typeof value === 'string' && this.holding.from.kind === 'text'
    this.putText(isText ? checkedJson(value) : jsonOf(value))
  }
}

const expected = "text: turn it into text in a step, or name the type 'text' in types"
const invalidUtf8 = ['bytes that are no UTF-8', "Read the field as bytes, or name the type 'bytes' in types."] as const

/** Behind `Buffer.write`, which looks at its arguments first. Node has had it for long without documenting it. */
interface NativeText {
  utf8Write(text: string, at: number, length: number): number
}

const half = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/

function halfPair(text: string): ValueRefused {
  return new ValueRefused(
    `${shownValue(text)}, whose character ${text.search(half) + 1} is half of a surrogate pair`,
    'UTF-8 has none: remove it in a step.',
  )
}

function textOf(value: unknown): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString()
  if (typeof value === 'object' && !(value instanceof Uint8Array)) return jsonOf(value)
  return refuseType(value, 'what has a form as text')
}

function jsonOf(value: unknown): string {
  try {
    return encodeJson(value, { values: 'plain' })
  } catch (error) {
    if (!DroverError.isInstance(error)) throw error
    throw new ValueRefused(
      `${shownValue(value)} (${error.message.replace(/\.$/, '')})`,
      'It takes what JSON has: change it in a step, or name another type in types.',
    )
  }
}

function checkedJson(text: string): string {
  try {
    JSON.parse(text)
    return text
  } catch {
    throw new ValueRefused(shownValue(text), "It is no JSON: change it in a step, or name the type 'text' in types.")
  }
}
