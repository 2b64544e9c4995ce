const structural = /[^\s,:]/g
const literalEnd = /[\s,\]}]/g
const integer = /^-?\d+$/

/** Whether `JSON.parse` may have rounded an integer inside. This walk costs a tenth of a search for long digits in the text. */
export function holdsUnsafeNumber(value: unknown): boolean {
  if (typeof value === 'number') return isUnsafe(value)
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.some(holdsUnsafeNumber)
  for (const name in value) {
    const field = (value as Record<string, unknown>)[name]
    if (typeof field === 'number' ? isUnsafe(field) : typeof field === 'object' && holdsUnsafeNumber(field)) return true
  }
  return false
}

function isUnsafe(value: number): boolean {
  return value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER
}

/**
 * Parses JSON and keeps all digits of integers: `bigint` beyond ±2^53. The text must have passed `JSON.parse`, which
 * rounds them; access to their source text (`JSON.parse` with context) is not in Node 20.
 */
export function parseExactly(text: string): unknown {
  return new ExactParser(text).value()
}

class ExactParser {
  #at = 0

  constructor(private readonly text: string) {}

  value(): unknown {
    switch (this.#next()) {
      case '{':
        return this.#object()
      case '[':
        return this.#list()
      case '"':
        return this.#string()
      default:
        return this.#literal()
    }
  }

  /** The character that begins the next token; commas and colons mean nothing more in a text known to be valid. */
  #next(): string {
    structural.lastIndex = this.#at
    this.#at = structural.exec(this.text)?.index ?? this.text.length
    return this.text.charAt(this.#at)
  }

  #object(): Record<string, unknown> {
    const fields: Record<string, unknown> = {}
    this.#at++
    while (this.#next() !== '}') {
      const name = this.#string()
      const value = this.value()
      // Assigning to `__proto__` would set the prototype.
      if (name === '__proto__')
        Object.defineProperty(fields, name, { value, configurable: true, enumerable: true, writable: true })
      else fields[name] = value
    }
    this.#at++
    return fields
  }

  #list(): unknown[] {
    const values: unknown[] = []
    this.#at++
    while (this.#next() !== ']') values.push(this.value())
    this.#at++
    return values
  }

  #string(): string {
    const start = this.#at
    let end = this.text.indexOf('"', start + 1)
    while (this.#isEscaped(end)) end = this.text.indexOf('"', end + 1)
    this.#at = end + 1
    const inner = this.text.slice(start + 1, end)
    return inner.includes('\\') ? (JSON.parse(this.text.slice(start, end + 1)) as string) : inner
  }

  /** An odd number of backslashes stands before it. */
  #isEscaped(at: number): boolean {
    let before = at - 1
    while (this.text.charCodeAt(before) === 0x5c) before--
    return (at - before) % 2 === 0
  }

  #literal(): unknown {
    const start = this.#at
    literalEnd.lastIndex = start
    this.#at = literalEnd.exec(this.text)?.index ?? this.text.length
    const literal = this.text.slice(start, this.#at)
    const value: unknown = JSON.parse(literal)
    if (typeof value !== 'number' || Number.isSafeInteger(value) || !integer.test(literal)) return value
    return BigInt(literal)
  }
}
