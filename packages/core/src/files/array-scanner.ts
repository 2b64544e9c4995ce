import { isSpace } from './lines.js'

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d
/** What some programs put in front of UTF-8. */
const byteOrderMark: readonly number[] = [0xef, 0xbb, 0xbf]

/** Elements that ended in the bytes that were scanned; places count from the file's first byte. */
export interface Elements {
  readonly starts: number[]
  readonly ends: number[]
}

/** The top level of a file is not that of one array. */
export class ArrayStructureError extends Error {
  constructor(
    readonly offset: number,
    readonly expected: string,
  ) {
    super(`expected ${expected} at byte ${offset}`)
  }
}

/** What may come between two elements, in words. */
const expectations = {
  array: 'an array',
  first: 'a record or the end of the array',
  element: 'a record',
  separator: 'a comma or the end of the array',
  nothing: 'nothing more behind the array',
  rest: 'the end of the object',
} as const

/**
 * Finds the elements of an array in bytes that come in pieces. It looks only for where each begins and ends; whether one
 * is valid is found out when it is parsed.
 */
export class ArrayScanner {
  #expects: keyof typeof expectations
  #inside: 'nothing' | 'word' | 'text' | 'object' = 'nothing'
  #start = 0
  /** Nesting inside an object or array. */
  #depth = 0
  #inString = false
  /** The bytes before ended in a backslash. */
  #isEscaped = false
  /** The last byte behind the array that is no blank. */
  #last = 0

  /**
   * Begins in front of the array, or behind one of its elements.
   *
   * @param isEnclosed The array is a member of an object: behind it the rest of that object may follow.
   */
  constructor(
    private offset: number,
    behindElement: boolean,
    private readonly isEnclosed = false,
  ) {
    this.#expects = behindElement ? 'separator' : 'array'
  }

  /** What is missing at the end of the file, in words; null if the array has ended. */
  get missing(): string | null {
    if (this.#inside !== 'nothing') return 'the end of a record'
    if (this.#expects === 'rest' && this.#last === closeBrace) return null
    return this.#expects === 'nothing' ? null : expectations[this.#expects]
  }

  /** Where the element begins that has not ended yet; behind all bytes if there is none. */
  get open(): number {
    return this.#inside === 'nothing' ? this.offset : this.#start
  }

  /** @throws {ArrayStructureError} */
  scan(bytes: Uint8Array): Elements {
    const found: Elements = { starts: [], ends: [] }
    for (let i = 0; i < bytes.length; i++) {
      if (this.#inside === 'nothing') this.#between(bytes[i] as number, this.offset + i)
      else if (this.#inside !== 'word') i = this.#toEnd(bytes, i, found)
      else if (endsWord(bytes[i] as number)) {
        this.#end(this.offset + i, found)
        i--
      }
    }
    this.offset += bytes.length
    return found
  }

  #between(byte: number, at: number): void {
    if (isSpace(byte)) return
    const expects = this.#expects
    if (expects === 'rest') {
      this.#last = byte
      return
    }
    if (expects === 'array' && byte === byteOrderMark[at]) return
    const mayBegin = expects === 'first' || expects === 'element'
    if (expects === 'array' && byte === openBracket) this.#expects = 'first'
    else if (expects === 'separator' && byte === comma) this.#expects = 'element'
    else if ((expects === 'separator' || expects === 'first') && byte === closeBracket)
      this.#expects = this.isEnclosed ? 'rest' : 'nothing'
    else if (mayBegin && byte !== comma && byte !== closeBracket) this.#begin(byte, at)
    else throw new ArrayStructureError(at, expectations[expects])
  }

  #begin(byte: number, at: number): void {
    this.#start = at
    this.#expects = 'separator'
    this.#inside = byte === quote ? 'text' : byte === openBrace || byte === openBracket ? 'object' : 'word'
    this.#inString = byte === quote
    this.#depth = 1
  }

  #end(at: number, found: Elements): void {
    found.starts.push(this.#start)
    found.ends.push(at)
    this.#inside = 'nothing'
  }

  /** Goes on inside an element until it ends or the bytes do; gives the place of the last byte that belongs to it. */
  #toEnd(bytes: Uint8Array, from: number, found: Elements): number {
    const isText = this.#inside === 'text'
    let depth = this.#depth
    let inString = this.#inString
    let i = this.#isEscaped ? from + 1 : from
    for (; i < bytes.length; i++) {
      // Most bytes stand in strings: a loop of their own for them is half again as fast.
      if (inString) while (i < bytes.length && bytes[i] !== quote && bytes[i] !== backslash) i++
      if (i >= bytes.length) break
      const byte = bytes[i] as number
      if (inString) {
        if (byte === backslash) i++
        else {
          inString = false
          if (isText) break
        }
      } else if (byte === quote) inString = true
      else if (byte === openBrace || byte === openBracket) depth++
      else if ((byte === closeBrace || byte === closeBracket) && --depth === 0) break
    }
    this.#depth = depth
    this.#inString = inString
    this.#isEscaped = i > bytes.length
    if (i < bytes.length) this.#end(this.offset + i + 1, found)
    return i
  }
}

function endsWord(byte: number): boolean {
  return byte === comma || byte === closeBracket || isSpace(byte)
}
