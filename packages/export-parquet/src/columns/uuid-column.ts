import { refuseType, shownValue, ValueRefused } from '@drover/core'
import type { Holding } from './column-builder.js'
import { FixedColumn } from './fixed-columns.js'

export type UuidType = { readonly kind: 'uuid' }

/** 16 bytes each. */
export class UuidColumn extends FixedColumn<UuidType, Uint8Array> {
  constructor(holding: Holding<UuidType>) {
    super(holding, new Uint8Array(0), 16)
  }

  override bytes(from: Uint8Array, start: number, end: number): void {
    if (!this.isDirect) {
      super.bytes(from, start, end)
      return
    }
    if (end - start !== 16)
      throw this.refusal(`${end - start} bytes`, 'A uuid has 16: this is a mistake in the source.')
    this.#add(from, start)
  }

  protected put(value: unknown): void {
    if (typeof value === 'string') this.#putText(value)
    else if (this.holding.isNamed && value instanceof Uint8Array && value.length === 16) this.#add(value, 0)
    else refuseType(value, 'uuids as text')
  }

  #putText(text: string): void {
    this.reserve()
    const to = this.length * 16
    let wrong = text.length === 36 ? 0 : 1
    for (let i = 0; i < 4; i++) if (text.charCodeAt(hyphens[i] as number) !== 0x2d) wrong = 1
    for (let i = 0; i < 16; i++) {
      const place = places[i] as number
      const high = nibbles[text.charCodeAt(place)] ?? 16
      const low = nibbles[text.charCodeAt(place + 1)] ?? 16
      wrong |= (high | low) & 16
      this.numbers[to + i] = (high << 4) | low
    }
    if (wrong !== 0) {
      throw new ValueRefused(
        shownValue(text),
        "It takes uuids of 32 hexadecimal digits with four hyphens: change it in a step, or name the type 'text' in types.",
      )
    }
    this.length++
  }

  #add(from: Uint8Array, start: number): void {
    this.reserve()
    const to = this.length * 16
    for (let i = 0; i < 16; i++) this.numbers[to + i] = from[start + i] as number
    this.length++
  }
}

const hyphens = [8, 13, 18, 23]
/** Where the two digits of a byte stand. */
const places = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]
/** The value of a digit; 16 for all other characters. */
const nibbles = new Uint8Array(128).fill(16)
for (let i = 0; i < 16; i++) {
  nibbles[i.toString(16).charCodeAt(0)] = i
  nibbles[i.toString(16).toUpperCase().charCodeAt(0)] = i
}
