import { ArrayStructureError } from './array-scanner.js'
import { isSpace } from './lines.js'

const quote = 0x22
const backslash = 0x5c
/** What some programs put in front of UTF-8. */
const byteOrderMark: readonly number[] = [0xef, 0xbb, 0xbf]

/** Finds where the value of a member begins, in an object that comes in pieces; what stands before it is stepped over. */
export class MemberFinder {
  #expects: 'object' | 'name' | 'colon' | 'value' = 'object'
  #name: number[] = []
  #isWanted = false
  #depth = 0
  #inString = false
  #isEscaped = false

  constructor(
    private readonly member: string,
    private offset = 0,
  ) {}

  /** The place of the value in these bytes; null if it is not there yet. @throws {ArrayStructureError} */
  find(bytes: Uint8Array): number | null {
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i] as number
      if (this.#inString) this.#string(byte)
      else if (this.#depth > 1 || !isSpace(byte)) {
        if (this.#expects === 'value' && this.#isWanted) return i
        this.#next(byte, this.offset + i)
      }
    }
    this.offset += bytes.length
    return null
  }

  #string(byte: number): void {
    const isName = this.#expects === 'name'
    if (isName) this.#name.push(byte)
    if (this.#isEscaped) this.#isEscaped = false
    else if (byte === backslash) this.#isEscaped = true
    else if (byte === quote) {
      this.#inString = false
      if (isName) this.#named()
    }
  }

  #named(): void {
    this.#expects = 'colon'
    try {
      this.#isWanted = JSON.parse(`"${Buffer.from(this.#name).toString()}`) === this.member
    } catch {
      // Whoever reads the object finds that out; here it is only another name.
      this.#isWanted = false
    }
    this.#name = []
  }

  #next(byte: number, at: number): void {
    const character = String.fromCharCode(byte)
    if (this.#expects === 'object') {
      if (byte === byteOrderMark[at]) return
      if (character !== '{') throw new ArrayStructureError(at, 'an object')
      this.#depth = 1
      this.#expects = 'name'
    } else if (this.#expects === 'name') {
      if (byte !== quote) throw new ArrayStructureError(at, `the member "${this.member}"`)
      this.#inString = true
    } else if (this.#expects === 'colon') {
      if (character !== ':') throw new ArrayStructureError(at, 'a colon')
      this.#expects = 'value'
    } else this.#within(byte, character, at)
  }

  /** In the value of another member, or behind it. */
  #within(byte: number, character: string, at: number): void {
    if (byte === quote) this.#inString = true
    else if (character === '{' || character === '[') this.#depth++
    else if (character === '}' || character === ']') this.#depth--
    else if (character === ',' && this.#depth === 1) this.#expects = 'name'
    if (this.#depth === 0) throw new ArrayStructureError(at, `the member "${this.member}"`)
  }
}
