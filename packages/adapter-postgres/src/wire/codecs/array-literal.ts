import { ValueRefused } from '@drover/core'

/** An array as Postgres writes it: elements as texts, null for NULL. */
export interface ArrayParts {
  readonly elements: readonly (string | null)[]
  /** Length of each dimension; none for an empty array. */
  readonly lengths: readonly number[]
  /** Where each dimension begins: 1 unless somebody chose it. */
  readonly lowerBounds: readonly number[]
}

/** `{1,NULL,"a b"}`, `[0:1]={a,b}`. */
export function arrayLiteral({ elements, lengths, lowerBounds }: ArrayParts): string {
  if (lengths.length === 0) return '{}'
  const bounds = lowerBounds.every((bound) => bound === 1)
    ? ''
    : `${lowerBounds.map((bound, i) => `[${bound}:${bound + (lengths[i] as number) - 1}]`).join('')}=`
  let at = 0
  const level = (dimension: number): string => {
    const parts: string[] = []
    for (let i = 0; i < (lengths[dimension] as number); i++) {
      parts.push(dimension + 1 < lengths.length ? level(dimension + 1) : quoted(elements[at++] as string | null))
    }
    return `{${parts.join(',')}}`
  }
  return bounds + level(0)
}

function quoted(element: string | null): string {
  if (element === null) return 'NULL'
  const isPlain = element !== '' && !/[{}",\\\s]/.test(element) && element.toUpperCase() !== 'NULL'
  return isPlain ? element : `"${element.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

/**
 * Reads what Postgres writes for an array, of elements that a comma separates.
 *
 * @throws `ValueRefused`
 */
export function parseArrayLiteral(text: string): ArrayParts {
  return new LiteralReader(text).read()
}

/** Bounds of the dimensions, blanks and the equals sign in front of the braces. */
const prefix = /^\s*((?:\[\s*[-+]?\d+(?:\s*:\s*[-+]?\d+)?\s*\]\s*)+)=\s*/
const bounds = /\[\s*([-+]?\d+)(?:\s*:\s*([-+]?\d+))?\s*\]/g
/** One token: a brace, a comma, a quoted element, or one that is not quoted. */
const token = /\s*(?:([{},])|"((?:[^"\\]|\\[\s\S])*)"|((?:[^{}",\\]|\\[\s\S])+))\s*/y

class LiteralReader {
  readonly #elements: (string | null)[] = []
  readonly #lengths: number[] = []
  /** The dimension that has elements. */
  #innermost: number | undefined
  #at = 0

  constructor(private readonly text: string) {}

  read(): ArrayParts {
    const given = prefix.exec(this.text)
    this.#at = given?.[0].length ?? 0
    if (this.#token().brace !== '{') throw this.#malformed()
    this.#level(0)
    if (this.#at !== this.text.length) throw this.#malformed()
    if (this.#elements.length === 0) return { elements: [], lengths: [], lowerBounds: [] }
    return { elements: this.#elements, lengths: this.#lengths, lowerBounds: this.#lowerBounds(given?.[1]) }
  }

  /** Behind its opening brace. */
  #level(dimension: number): void {
    let length = 0
    for (let expectsMore = false; ; ) {
      const next = this.#token()
      if (next.brace === '}') {
        if (expectsMore) throw this.#malformed()
        break
      }
      if (length > 0 && !expectsMore) throw this.#malformed()
      if (next.brace === '{') {
        if (dimension === this.#innermost) throw this.#malformed()
        this.#level(dimension + 1)
      } else this.#element(dimension, next.element)
      length++
      expectsMore = this.#skipComma()
    }
    this.#close(dimension, length)
  }

  #element(dimension: number, element: string | null | undefined): void {
    this.#innermost ??= dimension
    if (element === undefined || dimension !== this.#innermost) throw this.#malformed()
    this.#elements.push(element)
  }

  #close(dimension: number, length: number): void {
    const known = this.#lengths[dimension]
    if (known !== undefined && known !== length) throw this.#malformed()
    this.#lengths[dimension] = length
    let elements = 1
    for (const count of this.#lengths) elements *= count ?? 1
    if (dimension === 0 && this.#elements.length !== elements) throw this.#malformed()
  }

  #skipComma(): boolean {
    if (this.text[this.#at] !== ',') return false
    this.#at++
    return true
  }

  #token(): { readonly brace?: string; readonly element?: string | null } {
    token.lastIndex = this.#at
    const found = token.exec(this.text)
    if (found === null) throw this.#malformed()
    this.#at = token.lastIndex
    const [, brace, quotedElement, bare] = found
    if (brace !== undefined) return { brace }
    if (quotedElement !== undefined) return { element: unescaped(quotedElement) }
    const element = (bare as string).trimEnd()
    return { element: element.toUpperCase() === 'NULL' ? null : unescaped(element) }
  }

  #lowerBounds(given: string | undefined): readonly number[] {
    if (given === undefined) return this.#lengths.map(() => 1)
    const found = [...given.matchAll(bounds)].map(([, first, last]) =>
      last === undefined ? { lower: 1, upper: Number(first) } : { lower: Number(first), upper: Number(last) },
    )
    const isFitting =
      found.length === this.#lengths.length &&
      found.every(({ lower, upper }, i) => upper - lower + 1 === this.#lengths[i])
    if (!isFitting) throw this.#malformed()
    return found.map(({ lower }) => lower)
  }

  #malformed(): ValueRefused {
    const shown = this.text.length > 40 ? `${this.text.slice(0, 40)}…` : this.text
    return new ValueRefused(
      `the text ${JSON.stringify(shown)}`,
      'It takes an array, or its text as Postgres writes it: {1,NULL,3}.',
    )
  }
}

function unescaped(text: string): string {
  return text.includes('\\') ? text.replace(/\\([\s\S])/g, '$1') : text
}
