/** A number that was written with a fraction or an exponent although it is integral: `1.0` is not `1` to Qdrant. */
export class JsonFloat {
  constructor(readonly value: number) {}
}

export type Json = null | boolean | number | bigint | string | JsonFloat | Json[] | JsonObject
export interface JsonObject {
  [name: string]: Json
}

/** What is wrong with the text, and where, as serde_json says it. */
export class JsonError extends Error {}

/** It is JSON, but not of the form that is wanted. */
export class JsonFormError extends JsonError {}

const powersOfTen = Float64Array.from({ length: 23 }, (_, power) => Number(`1e${power}`))
const greatestUnsigned = 2n ** 64n - 1n
const leastSigned = -(2n ** 63n)

/**
 * Reads JSON from bytes: integers of up to 64 bits keep all their digits (`bigint` beyond 2^53), longer ones become floats, as in the
 * real server; lists of floats are read into a `Float32Array` without a detour.
 */
export class JsonScanner {
  #at = 0
  #floats = new Float32Array(4096)

  constructor(private readonly bytes: Buffer) {}

  /** The whole text is one value. */
  whole(): Json {
    const value = this.value()
    this.end()
    return value
  }

  /** Nothing but white space follows. */
  end(): void {
    this.peek()
    if (this.#at < this.bytes.length) throw this.error('trailing characters')
  }

  value(): Json {
    switch (this.peek()) {
      case 0x7b: {
        const object: JsonObject = {}
        this.object((name) => put(object, name, this.value()))
        return object
      }
      case 0x5b: {
        const list: Json[] = []
        this.list(() => list.push(this.value()))
        return list
      }
      case 0x22:
        return this.string()
      case 0x74:
        return this.#word('true', true)
      case 0x66:
        return this.#word('false', false)
      case 0x6e:
        return this.#word('null', null)
      default:
        return this.#number()
    }
  }

  /** The byte that begins the next token, which is not taken; 0 at the end. */
  peek(): number {
    const { bytes } = this
    for (; this.#at < bytes.length; this.#at++) {
      const byte = bytes[this.#at] ?? 0
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte
    }
    return 0
  }

  /** Calls `field` with each name; it has to read the value. */
  object(field: (name: string) => void): void {
    this.#open(0x7b, 'a map')
    if (this.#close(0x7d)) return
    for (;;) {
      if (this.peek() !== 0x22) throw this.error('key must be a string')
      const name = this.string()
      if (this.peek() !== 0x3a) throw this.error('expected `:`')
      this.#at++
      field(name)
      if (this.#close(0x7d)) return
      if (this.peek() !== 0x2c) throw this.error(this.peek() ? 'expected `,` or `}`' : 'EOF while parsing an object')
      this.#at++
    }
  }

  /** Calls `item` for each item; it has to read it. */
  list(item: () => void): void {
    this.#open(0x5b, 'a sequence')
    if (this.#close(0x5d)) return
    for (;;) {
      item()
      if (this.#close(0x5d)) return
      if (this.peek() !== 0x2c) throw this.error(this.peek() ? 'expected `,` or `]`' : 'EOF while parsing a list')
      this.#at++
    }
  }

  /** Whether the list that comes next has lists in it. */
  nests(): boolean {
    const start = this.#at
    this.#open(0x5b, 'a sequence')
    const inner = this.peek()
    this.#at = start
    return inner === 0x5b
  }

  /** A list of numbers, each rounded to a float32. */
  floats(): Float32Array {
    let count = 0
    this.list(() => {
      if (count === this.#floats.length) this.#widen()
      const first = this.peek()
      if (first !== 0x2d && (first < 0x30 || first > 0x39)) throw this.#unexpected('f32')
      const value = this.#number()
      this.#floats[count++] = value instanceof JsonFloat ? value.value : Number(value)
    })
    return this.#floats.slice(0, count)
  }

  string(): string {
    const start = this.#at + 1
    const end = this.bytes.indexOf(0x22, start)
    if (end < 0) throw this.error('EOF while parsing a string')
    const text = this.bytes.toString('utf8', start, end)
    if (text.includes('\\')) return this.#escapedString(start, end)
    this.#at = end + 1
    return text
  }

  error(what: string): JsonError {
    const before = this.bytes.toString('latin1', 0, this.#at)
    const lineStart = before.lastIndexOf('\n') + 1
    return new JsonError(`${what} at line ${before.split('\n').length} column ${this.#at - lineStart + 1}`)
  }

  #escapedString(start: number, first: number): string {
    let end = first
    while (this.#isEscaped(end, start)) {
      end = this.bytes.indexOf(0x22, end + 1)
      if (end < 0) throw this.error('EOF while parsing a string')
    }
    this.#at = end + 1
    try {
      return JSON.parse(this.bytes.toString('utf8', start - 1, end + 1)) as string
    } catch {
      throw this.error('invalid escape')
    }
  }

  #isEscaped(at: number, start: number): boolean {
    let before = at - 1
    while (before >= start && this.bytes[before] === 0x5c) before--
    return (at - before) % 2 === 0
  }

  #open(byte: number, expected: string): void {
    if (this.peek() !== byte) throw this.#unexpected(expected)
    this.#at++
  }

  #unexpected(expected: string): JsonError {
    const isValue = /["{[tfn\d-]/.test(String.fromCharCode(this.peek()))
    return isValue ? new JsonFormError(`invalid type, expected ${expected}`) : this.error('expected value')
  }

  #close(byte: number): boolean {
    if (this.peek() !== byte) return false
    this.#at++
    return true
  }

  #word<T extends Json>(word: string, value: T): T {
    if (this.bytes.toString('latin1', this.#at, this.#at + word.length) !== word) throw this.error('expected ident')
    this.#at += word.length
    return value
  }

  #number(): number | bigint | JsonFloat {
    const { bytes } = this
    const start = this.#at
    let at = start
    const isNegative = bytes[at] === 0x2d
    if (isNegative) at++
    const firstDigit = at
    let mantissa = 0
    let byte = bytes[at] ?? 0
    for (; byte >= 0x30 && byte <= 0x39; byte = bytes[++at] ?? 0) mantissa = mantissa * 10 + (byte - 0x30)
    const digits = at - firstDigit
    if (digits === 0) throw this.error('expected value')
    if (digits > 1 && bytes[firstDigit] === 0x30) throw this.error('invalid number')
    if (byte !== 0x2e && byte !== 0x65 && byte !== 0x45) {
      this.#at = at
      if (digits <= 15) return isNegative ? (mantissa === 0 ? new JsonFloat(-0) : -mantissa) : mantissa
      return integer(bytes.toString('latin1', start, at))
    }
    let decimals = 0
    if (byte === 0x2e) {
      byte = bytes[++at] ?? 0
      const firstDecimal = at
      for (; byte >= 0x30 && byte <= 0x39; byte = bytes[++at] ?? 0) mantissa = mantissa * 10 + (byte - 0x30)
      decimals = at - firstDecimal
      if (decimals === 0) throw this.error('invalid number')
    }
    const hasExponent = byte === 0x65 || byte === 0x45
    if (hasExponent) {
      byte = bytes[++at] ?? 0
      if (byte === 0x2b || byte === 0x2d) byte = bytes[++at] ?? 0
      const firstOfExponent = at
      while (byte >= 0x30 && byte <= 0x39) byte = bytes[++at] ?? 0
      if (at === firstOfExponent) throw this.error('invalid number')
    }
    // Both are exact as doubles, so the one division rounds once.
    const isExact = !hasExponent && digits + decimals <= 15
    const size = isExact ? mantissa / (powersOfTen[decimals] ?? 1) : Number(bytes.toString('latin1', firstDigit, at))
    if (!Number.isFinite(size)) throw this.error('number out of range')
    this.#at = at
    const value = isNegative ? -size : size
    return Number.isInteger(value) ? new JsonFloat(value) : value
  }

  #widen(): void {
    const wider = new Float32Array(this.#floats.length * 2)
    wider.set(this.#floats)
    this.#floats = wider
  }
}

/** Without its floats told apart: for settings, where `1.0` and `1` mean the same. */
export function plain(value: Json): Json {
  if (value instanceof JsonFloat) return value.value
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const object: JsonObject = {}
  for (const [name, field] of Object.entries(value)) put(object, name, plain(field))
  return object
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonFloat)
}

/** Assigning to `__proto__` would set the prototype. */
export function put(object: JsonObject, name: string, value: Json): void {
  if (name === '__proto__') {
    Object.defineProperty(object, name, { value, configurable: true, enumerable: true, writable: true })
  } else object[name] = value
}

function integer(text: string): number | bigint | JsonFloat {
  const exact = BigInt(text)
  if (exact > greatestUnsigned || exact < leastSigned) return new JsonFloat(Number(text))
  const number = Number(exact)
  return Number.isSafeInteger(number) ? number : exact
}
