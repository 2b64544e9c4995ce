import { tokensOf } from './tokens.js'

/**
 * The statement with these names in brackets. SQLite takes `"a"` for a text where no column is called so, unless it was built otherwise, and
 * so would go on with what has lost its column: https://www.sqlite.org/quirks.html#dblquote. In brackets a name is nothing else.
 */
export function withSureNames(sql: string, names: readonly string[]): string {
  const sure = names.filter((name) => !name.includes(']')).map((name) => name.toLowerCase())
  return tokensOf(sql, 'sqlite').reduceRight((left, { kind, value, start, end }) => {
    const isDoubtful = kind === 'name' && sql.charAt(start) === '"' && sure.includes(value.toLowerCase())
    return isDoubtful ? `${left.slice(0, start)}[${value}]${left.slice(end)}` : left
  }, sql)
}

/** The text of a table's own definition without its name in front of columns, which is another one for a while. */
export function withoutQualifier(sql: string, table: string): string {
  return tokensOf(sql, 'sqlite').reduceRight((left, { kind, value, start }, at, tokens) => {
    const next = tokens[at + 1]
    const isQualifier =
      (kind === 'name' || kind === 'word') && value.toLowerCase() === table.toLowerCase() && next?.value === '.'
    return isQualifier ? left.slice(0, start) + left.slice(next.end) : left
  }, sql)
}
