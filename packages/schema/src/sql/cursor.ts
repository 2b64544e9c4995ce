import type { Dialect } from '../contracts/migration.js'
import { type Token, tokensOf } from './tokens.js'

/** Goes through the tokens of one statement. */
export class Cursor {
  readonly tokens: readonly Token[]
  at = 0

  constructor(
    readonly sql: string,
    readonly dialect: Dialect,
  ) {
    this.tokens = tokensOf(sql, dialect)
  }

  get token(): Token | undefined {
    return this.tokens[this.at]
  }

  get isAtEnd(): boolean {
    return this.at >= this.tokens.length
  }

  /** Goes past the words if they are the next ones. */
  skip(...words: readonly string[]): boolean {
    const isNext = words.every((word, offset) => {
      const token = this.tokens[this.at + offset]
      return token !== undefined && token.kind !== 'text' && token.kind !== 'name' && token.value === word
    })
    if (isNext) this.at += words.length
    return isNext
  }

  /** Whether one of the words comes somewhere in what is left, in no parentheses. */
  has(...words: readonly string[]): boolean {
    let depth = 0
    for (const token of this.tokens.slice(this.at)) {
      if (token.kind === 'symbol' && token.value === '(') depth++
      if (token.kind === 'symbol' && token.value === ')') depth--
      if (depth === 0 && token.kind === 'word' && words.includes(token.value)) return true
    }
    return false
  }

  /** A name, with its schema if it has one: `chat.calls`. Empty if what comes is none. */
  name(): string {
    const parts: string[] = []
    for (;;) {
      const { token } = this
      if (token?.kind !== 'word' && token?.kind !== 'name') break
      parts.push(token.value)
      this.at++
      if (!this.skip('.')) break
    }
    return parts.join('.')
  }

  /** Goes past a group in parentheses and gives the tokens in it. */
  group(): readonly Token[] {
    if (!this.skip('(')) return []
    const from = this.at
    let depth = 1
    while (!this.isAtEnd) {
      const { token } = this
      if (token?.kind === 'symbol' && token.value === '(') depth++
      if (token?.kind === 'symbol' && token.value === ')') depth--
      this.at++
      if (depth === 0) return this.tokens.slice(from, this.at - 1)
    }
    return this.tokens.slice(from)
  }

  /** Goes on to the next comma that is in no parentheses, or to the end, and gives the text before it. */
  rest(): string {
    const from = this.token?.start ?? this.sql.length
    let depth = 0
    while (!this.isAtEnd) {
      const { token } = this
      if (token?.kind === 'symbol') {
        if (depth === 0 && (token.value === ',' || token.value === ';')) break
        if (token.value === '(') depth++
        if (token.value === ')') depth--
      }
      this.at++
    }
    return this.sql.slice(from, this.tokens[this.at - 1]?.end ?? from)
  }
}
