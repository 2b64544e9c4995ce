import { closing, divided } from '../../sql/groups.js'
import { type Token, tokensOf } from '../../sql/tokens.js'

/** What can be said of a column behind its type. */
export type PieceKind =
  | 'primary'
  | 'not null'
  | 'null'
  | 'unique'
  | 'check'
  | 'default'
  | 'collate'
  | 'references'
  | 'generated'

/** One constraint of a column, as it is written, with its name. */
export interface Piece {
  readonly kind: PieceKind
  readonly name?: string
  readonly text: string
  /** Where it begins in the text of its definition. */
  readonly at: number
}

/** One line of a CREATE TABLE of SQLite: a column, or a constraint of the table. */
export interface Definition {
  readonly text: string
  /** Of a column. */
  readonly column?: string
  /** Of a column, as it is written; empty if it has none. */
  readonly type?: string
  readonly pieces: readonly Piece[]
  /** Of a constraint of the table: `primary`, `unique`, `check`, `foreign`. */
  readonly constraint?: string
  readonly name?: string
}

/** A CREATE TABLE of SQLite in its parts. What nobody changes stays as it was written, so nothing that it says is lost. */
export interface TableText {
  readonly definitions: readonly Definition[]
  /** `STRICT`, `WITHOUT ROWID`. */
  readonly options: readonly string[]
}

export function tableText(sql: string): TableText {
  const tokens = tokensOf(sql, 'sqlite')
  const open = tokens.findIndex(({ kind, value }) => kind === 'symbol' && value === '(')
  const close = closing(tokens, open)
  return {
    definitions: divided(tokens.slice(open + 1, close)).map((each) => definition(sql, each)),
    options: divided(tokens.slice(close + 1))
      .map((each) => each.map(({ value }) => value.toUpperCase()).join(' '))
      .filter((each) => each !== ''),
  }
}

/** The statement under another name. */
export function createSql(name: string, { definitions, options }: TableText): string {
  const tail = options.length === 0 ? '' : ` ${options.join(', ')}`
  return `CREATE TABLE ${name} (\n  ${definitions.map(({ text }) => text).join(',\n  ')}\n)${tail}`
}

/** A column or constraint from its own text. */
export function definitionOf(text: string): Definition {
  return definition(text, tokensOf(text, 'sqlite'))
}

/** The column that is the row's number: INTEGER, nothing else, and the whole primary key. https://www.sqlite.org/lang_createtable.html#rowid */
export function rowidColumn({ definitions }: TableText): string | undefined {
  const inline = definitions.find(({ pieces }) => pieces.some(({ kind }) => kind === 'primary'))
  const constraint = definitions.find((each) => each.constraint === 'primary')
  const tokens = tokensOf(constraint?.text ?? '', 'sqlite')
  const open = tokens.findIndex(({ kind, value }) => kind === 'symbol' && value === '(')
  const keys = divided(tokens.slice(open + 1, closing(tokens, open)))
  const key = keys.length === 1 ? keys[0]?.[0]?.value : undefined
  const column =
    inline ?? definitions.find((each) => each.column !== undefined && each.column.toLowerCase() === key?.toLowerCase())
  if (column === undefined) return undefined
  const type = column.text.slice(0, column.pieces[0]?.at)
  const words = tokensOf(type, 'sqlite').slice(1)
  const isDescending = inline?.pieces.some(({ kind, text }) => kind === 'primary' && /\bdesc\b/i.test(text)) === true
  return words.length === 1 && words[0]?.value === 'integer' && !isDescending ? column.column : undefined
}

const tableWords = ['constraint', 'primary', 'unique', 'check', 'foreign']

function definition(sql: string, tokens: readonly Token[]): Definition {
  const [first] = tokens
  const text = sql.slice(first?.start, tokens.at(-1)?.end)
  if (first === undefined) return { text, pieces: [] }
  if (first.kind === 'word' && tableWords.includes(first.value)) {
    const isNamed = first.value === 'constraint'
    const name = isNamed ? nameOf(sql, tokens[1]) : undefined
    const constraint = tokens[isNamed ? 2 : 0]?.value ?? ''
    return { text, pieces: [], constraint, ...(name === undefined ? {} : { name }) }
  }
  const found = pieces(sql, tokens.slice(1), first.start)
  const end = first.start + (found[0]?.at ?? text.length)
  const type = tokens.slice(1).filter((token) => token.start < end)
  return {
    text,
    column: nameOf(sql, first),
    type: type.length === 0 ? '' : sql.slice(type[0]?.start, type.at(-1)?.end),
    pieces: found,
  }
}

/** Where the word at `at` begins a constraint of a column. */
function pieceKind(tokens: readonly Token[], at: number): PieceKind | undefined {
  const [before, token, next] = [tokens[at - 1], tokens[at], tokens[at + 1]]
  if (token?.kind !== 'word') return undefined
  const [last, following] = [before?.kind === 'word' ? before.value : '', next?.kind === 'word' ? next.value : '']
  switch (token.value) {
    case 'not':
      return following === 'null' ? 'not null' : undefined
    case 'null':
      return last === 'not' || last === 'set' || last === 'default' ? undefined : 'null'
    case 'default':
      return last === 'set' ? undefined : 'default'
    case 'generated':
      return 'generated'
    case 'as':
      return last === 'always' ? undefined : 'generated'
    case 'primary':
    case 'unique':
    case 'check':
    case 'collate':
    case 'references':
      return token.value
    default:
      return undefined
  }
}

function pieces(sql: string, tokens: readonly Token[], begin: number): Piece[] {
  const found: { kind: PieceKind; name: string | undefined; from: number }[] = []
  let named: { readonly name: string; readonly from: number } | undefined
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]
    if (token?.kind === 'symbol' && token.value === '(') {
      at = closing(tokens, at)
      continue
    }
    if (token?.kind === 'word' && token.value === 'constraint') {
      named = { name: nameOf(sql, tokens[at + 1]), from: at }
      at++
      continue
    }
    const kind = pieceKind(tokens, at)
    if (kind === undefined) continue
    found.push({ kind, name: named?.name, from: named?.from ?? at })
    named = undefined
    // The value of a default is no constraint, whatever it looks like.
    if (kind === 'default' && tokens[at + 1]?.value !== '(') at++
  }
  return found.map(({ kind, name, from }, index) => {
    const end = found[index + 1]?.from ?? tokens.length
    const start = tokens[from]?.start ?? 0
    const text = sql.slice(start, tokens[end - 1]?.end)
    return { kind, ...(name === undefined ? {} : { name }), text, at: start - begin }
  })
}

function nameOf(sql: string, token: Token | undefined): string {
  return token?.kind === 'word' ? sql.slice(token.start, token.end) : (token?.value ?? '')
}
