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

/** The statements of a script, without their semicolons, comments in front of them included. A trigger's body stays whole. */
export function statementsOf(sql: string, dialect: Dialect): string[] {
  const tokens = tokensOf(sql, dialect)
  const statements: string[] = []
  let start = 0
  let first = 0
  for (const [index, token] of tokens.entries()) {
    if (token.kind !== 'symbol' || token.value !== ';') continue
    if (dialect === 'sqlite' && isInsideTrigger(tokens.slice(first, index))) continue
    if (index > first) statements.push(sql.slice(start, token.start).trim())
    start = token.end
    first = index + 1
  }
  if (first < tokens.length) statements.push(sql.slice(start).trim())
  return statements
}

/** CREATE [TEMP] TRIGGER … BEGIN …; …; END: what is between belongs to it. CASE has an END of its own. */
function isInsideTrigger(tokens: readonly Token[]): boolean {
  const words = tokens.filter(({ kind }) => kind === 'word').map(({ value }) => value)
  if (words[0] !== 'create' || !words.slice(1, 3).includes('trigger')) return false
  let depth = 0
  for (const word of words) {
    if (word === 'begin' || word === 'case') depth++
    if (word === 'end') depth--
  }
  return depth > 0
}

function blankEnd(sql: string, start: number, dialect: Dialect): number {
  let at = start
  while (at < sql.length && /\s/.test(sql.charAt(at))) at++
  if (sql.startsWith('--', at)) {
    const end = sql.indexOf('\n', at)
    return end < 0 ? sql.length : end + 1
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
