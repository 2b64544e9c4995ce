import type { Dialect } from '../contracts/migration.js'

/** One word of SQL. `value` is a keyword or bare name in lower case, the name inside quotes, or the text itself. */
export interface Token {
  readonly kind: 'word' | 'name' | 'text' | 'number' | 'symbol' | 'parameter'
  readonly value: string
  /** Where it stands: `sql.slice(start, end)`. */
  readonly start: number
  readonly end: number
}

/**
 * The tokens of SQL as PostgreSQL or SQLite would divide it, without white space and comments. It never fails: what is not closed goes on to the
 * end, and the database says the rest.
 */
export function tokensOf(sql: string, dialect: Dialect): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < sql.length) {
    const end = blankEnd(sql, at, dialect)
    if (end > at) {
      at = end
      continue
    }
    const token = tokenAt(sql, at, dialect)
    tokens.push(token)
    at = token.end
  }
  return tokens
}

/** The statements of a script, without their semicolons, comments in front of them included. The body of a trigger, rule or function stays whole. */
export function statementsOf(sql: string, dialect: Dialect): string[] {
  const tokens = tokensOf(sql, dialect)
  const isInside = dialect === 'sqlite' ? insideTrigger() : insideBody()
  const statements: string[] = []
  let start = 0
  let first = 0
  for (const [index, token] of tokens.entries()) {
    const isInBody = isInside(tokens, first, index)
    if (token.kind !== 'symbol' || token.value !== ';' || isInBody) continue
    if (index > first) statements.push(sql.slice(start, token.start).trim())
    start = token.end
    first = index + 1
  }
  if (first < tokens.length) statements.push(sql.slice(start).trim())
  return statements
}

/** Whether the token at `at` is inside of something of which semicolons are a part. Asked of each token in turn. */
type IsInside = (tokens: readonly Token[], first: number, at: number) => boolean

/** CREATE [TEMP] TRIGGER ends with `; END ;` and with nothing else, as in https://www.sqlite.org/c3ref/complete.html: CASE has an END, and a column may be called so. */
function insideTrigger(): IsInside {
  return (tokens, first, at) => {
    const word = (index: number): string => (tokens[index]?.kind === 'word' ? (tokens[index]?.value ?? '') : '')
    if (word(first) !== 'create' || (word(first + 1) !== 'trigger' && word(first + 2) !== 'trigger')) return false
    return !(word(at - 1) === 'end' && tokens[at - 2]?.value === ';')
  }
}

/** `DO (a; b)` of a rule, and BEGIN ATOMIC … END of a function or procedure, as psql divides them. */
function insideBody(): IsInside {
  let begun = -1
  let parentheses = 0
  let blocks = 0
  return (tokens, first, at) => {
    if (begun !== first) [begun, parentheses, blocks] = [first, 0, 0]
    const token = tokens[at]
    if (token?.kind === 'symbol' && token.value === '(') parentheses++
    if (token?.kind === 'symbol' && token.value === ')') parentheses = Math.max(0, parentheses - 1)
    if (token?.kind === 'word' && tokens[first]?.value === 'create') {
      if (token.value === 'begin' && tokens[at + 1]?.value === 'atomic') blocks++
      else if (blocks > 0 && token.value === 'case') blocks++
      else if (blocks > 0 && token.value === 'end') blocks--
    }
    return parentheses > 0 || blocks > 0
  }
}

function blankEnd(sql: string, start: number, dialect: Dialect): number {
  let at = start
  while (at < sql.length && /\s/.test(sql.charAt(at))) at++
  if (sql.startsWith('--', at)) {
    // SQLite goes on to the line feed.
    const end = sql.slice(at).search(dialect === 'postgres' ? /[\r\n]/ : /\n/)
    return end < 0 ? sql.length : at + end + 1
  }
  if (!sql.startsWith('/*', at)) return at
  if (dialect === 'sqlite') {
    const end = sql.indexOf('*/', at + 2)
    return end < 0 ? sql.length : end + 2
  }
  return nestedCommentEnd(sql, at)
}

/** PostgreSQL's comments nest. */
function nestedCommentEnd(sql: string, start: number): number {
  let depth = 0
  let at = start
  while (at < sql.length) {
    if (sql.startsWith('/*', at)) {
      depth++
      at += 2
    } else if (sql.startsWith('*/', at)) {
      depth--
      at += 2
      if (depth === 0) return at
    } else at++
  }
  return at
}

const wordStart = /[A-Za-z_\u0080-\uffff]/
const wordPart = /[A-Za-z0-9_$\u0080-\uffff]/
const operators = [
  '->>',
  '#>>',
  '->',
  '#>',
  '||',
  '::',
  '<=',
  '>=',
  '<>',
  '!=',
  '==',
  '<<',
  '>>',
  ':=',
  '=>',
  '@>',
  '<@',
]

function tokenAt(sql: string, at: number, dialect: Dialect): Token {
  const char = sql.charAt(at)
  if (char === "'") return textToken(sql, at, at + 1, false)
  if (dialect === 'postgres') {
    if (/^[eE]'/.test(sql.slice(at, at + 2))) return textToken(sql, at, at + 2, true)
    if (/^[bBxXnN]'/.test(sql.slice(at, at + 2))) return textToken(sql, at, at + 2, false)
    if (/^[uU]&['"]/.test(sql.slice(at, at + 3))) {
      return sql.charAt(at + 2) === "'" ? textToken(sql, at, at + 3, false) : quotedName(sql, at, at + 3, '"')
    }
    const dollar =
      char === '$' ? /^\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/.exec(sql.slice(at, at + 70)) : null
    if (dollar !== null) return dollarText(sql, at, dollar[0])
  } else if (/^[xX]'/.test(sql.slice(at, at + 2))) return textToken(sql, at, at + 2, false)
  if (char === '"') return quotedName(sql, at, at + 1, '"')
  if (dialect === 'sqlite' && char === '`') return quotedName(sql, at, at + 1, '`')
  if (dialect === 'sqlite' && char === '[') return bracketName(sql, at)
  if (wordStart.test(char)) {
    const end = endOf(sql, at, wordPart)
    return { kind: 'word', value: sql.slice(at, end).toLowerCase(), start: at, end }
  }
  if (/[0-9]/.test(char) || (char === '.' && /[0-9]/.test(sql.charAt(at + 1)))) {
    const number = /^(?:0[xX][0-9a-fA-F]+|[0-9]*\.?[0-9]*(?:[eE][+-]?[0-9]+)?)/.exec(sql.slice(at)) ?? [char]
    return { kind: 'number', value: number[0], start: at, end: at + number[0].length }
  }
  const parameter = /^(?:\$[0-9]+|\?[0-9]*|[:@$][A-Za-z_][A-Za-z0-9_]*)/.exec(sql.slice(at, at + 70))
  if (parameter !== null && !(dialect === 'postgres' && /^[?:@]/.test(char))) {
    return { kind: 'parameter', value: parameter[0], start: at, end: at + parameter[0].length }
  }
  const operator = operators.find((each) => sql.startsWith(each, at)) ?? char
  return { kind: 'symbol', value: operator, start: at, end: at + operator.length }
}

function endOf(sql: string, start: number, part: RegExp): number {
  let end = start + 1
  while (end < sql.length && part.test(sql.charAt(end))) end++
  return end
}

function textToken(sql: string, start: number, from: number, hasEscapes: boolean): Token {
  let value = ''
  let at = from
  while (at < sql.length) {
    const char = sql.charAt(at)
    if (hasEscapes && char === '\\') {
      value += sql.slice(at, at + 2)
      at += 2
    } else if (char !== "'") {
      value += char
      at++
    } else if (sql.charAt(at + 1) === "'") {
      value += "'"
      at += 2
    } else return { kind: 'text', value, start, end: at + 1 }
  }
  return { kind: 'text', value, start, end: at }
}

function quotedName(sql: string, start: number, from: number, quote: string): Token {
  let value = ''
  let at = from
  while (at < sql.length) {
    if (sql.charAt(at) !== quote) value += sql.charAt(at++)
    else if (sql.charAt(at + 1) === quote) {
      value += quote
      at += 2
    } else return { kind: 'name', value, start, end: at + 1 }
  }
  return { kind: 'name', value, start, end: at }
}

function bracketName(sql: string, start: number): Token {
  const close = sql.indexOf(']', start)
  const end = close < 0 ? sql.length : close + 1
  return { kind: 'name', value: sql.slice(start + 1, close < 0 ? sql.length : close), start, end }
}

function dollarText(sql: string, start: number, tag: string): Token {
  const close = sql.indexOf(tag, start + tag.length)
  const end = close < 0 ? sql.length : close + tag.length
  return { kind: 'text', value: sql.slice(start + tag.length, close < 0 ? sql.length : close), start, end }
}
