import { closing, divided } from '../sql/groups.js'
import { type Token, tokensOf } from '../sql/tokens.js'

/** What a CREATE TABLE of SQLite says and its pragmas do not. */
export interface SqliteTableSql {
  /** By the column's name in lower case. */
  readonly columns: ReadonlyMap<string, SqliteColumnSql>
  readonly checks: readonly { readonly name?: string; readonly expression: string }[]
  readonly uniques: readonly { readonly name?: string; readonly columns: readonly string[] }[]
  /** In the order they are written: column constraints and table constraints mixed. */
  readonly foreignKeys: readonly SqliteForeignKeySql[]
  readonly primaryKeyName?: string
  readonly hasAutoincrement: boolean
  /** The text behind the closing parenthesis: `STRICT, WITHOUT ROWID`. */
  readonly options: readonly string[]
}

export interface SqliteColumnSql {
  readonly collation?: string
  readonly generated?: string
}

export interface SqliteForeignKeySql {
  readonly name?: string
  readonly columns: readonly string[]
  readonly deferrable?: 'immediate' | 'deferred'
}

const tableConstraints = ['constraint', 'primary', 'unique', 'check', 'foreign']

/** Reads the statement that made a table, as sqlite_schema keeps it. Of CREATE TABLE … AS it is what SQLite wrote itself. */
export function sqliteTableSql(sql: string): SqliteTableSql {
  const tokens = tokensOf(sql, 'sqlite')
  const open = tokens.findIndex(({ kind, value }) => kind === 'symbol' && value === '(')
  const close = closing(tokens, open)
  const reading = new Reading(sql)
  for (const definition of divided(tokens.slice(open + 1, close))) reading.read(definition)
  const rest = tokens.slice(close + 1)
  const options = divided(rest).map((each) => each.map(({ value }) => value.toUpperCase()).join(' '))
  return { ...reading.result(), options: options.filter((each) => each !== '') }
}

class Reading {
  readonly #columns = new Map<string, SqliteColumnSql>()
  readonly #checks: { name?: string; expression: string }[] = []
  readonly #uniques: { name?: string; columns: readonly string[] }[] = []
  readonly #foreignKeys: SqliteForeignKeySql[] = []
  #primaryKeyName: string | undefined
  #hasAutoincrement = false

  constructor(private readonly sql: string) {}

  read(tokens: readonly Token[]): void {
    const [first] = tokens
    if (first === undefined) return
    const isConstraint = first.kind === 'word' && tableConstraints.includes(first.value)
    this.#constraints(isConstraint ? tokens : tokens.slice(1), isConstraint ? undefined : this.#name(first))
  }

  result(): Omit<SqliteTableSql, 'options'> {
    return {
      columns: this.#columns,
      checks: this.#checks,
      uniques: this.#uniques,
      foreignKeys: this.#foreignKeys,
      ...(this.#primaryKeyName === undefined ? {} : { primaryKeyName: this.#primaryKeyName }),
      hasAutoincrement: this.#hasAutoincrement,
    }
  }

  /** @param column Of a column's own constraints. */
  #constraints(tokens: readonly Token[], column: string | undefined): void {
    let name: string | undefined
    let about: SqliteColumnSql = {}
    for (let at = 0; at < tokens.length; at++) {
      const token = tokens[at]
      if (token === undefined) break
      const named = name === undefined ? {} : { name }
      const word = token.kind === 'word' ? token.value : token.value === '(' ? '(' : ''
      if (word === 'constraint') {
        name = this.#name(tokens[at + 1])
        at++
        continue
      }
      if (word === 'check') {
        const end = closing(tokens, at + 1)
        this.#checks.push({ ...named, expression: this.#inside(tokens, at + 1, end) })
        at = end
      } else if (word === 'generated' || word === 'as') {
        const open = tokens.findIndex((each, index) => index > at && each.value === '(' && each.kind === 'symbol')
        if (open < 0) continue
        const end = closing(tokens, open)
        about = { ...about, generated: this.#inside(tokens, open, end) }
        at = end
      } else if (word === 'collate') {
        about = { ...about, collation: this.#name(tokens[at + 1]) }
        at++
      } else if (word === 'primary') this.#primaryKeyName = name
      else if (word === 'autoincrement') this.#hasAutoincrement = true
      else if (word === 'unique') {
        const isTable = column === undefined
        const end = isTable ? closing(tokens, at + 1) : at
        const columns = isTable ? this.#names(tokens.slice(at + 2, end)) : [column]
        this.#uniques.push({ ...named, columns })
        at = end
      } else if (word === 'foreign') {
        const end = closing(tokens, at + 2)
        this.#foreignKeys.push({
          ...named,
          columns: this.#names(tokens.slice(at + 3, end)),
          ...deferral(tokens.slice(end)),
        })
        return
      } else if (word === 'references') {
        this.#foreignKeys.push({ ...named, columns: [column ?? ''], ...deferral(tokens.slice(at)) })
      } else if (word === '(') at = closing(tokens, at)
      else continue
      name = undefined
    }
    if (column !== undefined) this.#columns.set(column.toLowerCase(), about)
  }

  #names(tokens: readonly Token[]): string[] {
    return divided(tokens).map(([first]) => this.#name(first))
  }

  /** As it was written: of a bare one, tokens keep the lower case. */
  #name(token: Token | undefined): string {
    return token?.kind === 'word' ? this.sql.slice(token.start, token.end) : (token?.value ?? '')
  }

  /** The text between two parentheses, as it was written. */
  #inside(tokens: readonly Token[], open: number, close: number): string {
    return this.sql.slice(tokens[open]?.end, tokens[close]?.start).trim()
  }
}

/** `DEFERRABLE INITIALLY DEFERRED` of the key that the tokens begin with. */
function deferral(tokens: readonly Token[]): { readonly deferrable?: 'immediate' | 'deferred' } {
  const words = tokens.map(({ kind, value }) => (kind === 'word' ? value : ''))
  const at = words.indexOf('deferrable')
  if (at < 0 || words[at - 1] === 'not') return {}
  return { deferrable: words[at + 1] === 'initially' && words[at + 2] === 'deferred' ? 'deferred' : 'immediate' }
}
