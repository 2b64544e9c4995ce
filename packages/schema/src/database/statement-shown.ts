import type { Dialect } from '../contracts/migration.js'
import { tokensOf } from '../sql/tokens.js'

const longest = 160

/** A statement in one line for messages: texts may be people's data, and are shown as `…`. */
export function bareStatement(sql: string, dialect: Dialect): string {
  let shown = ''
  let end = 0
  for (const token of tokensOf(sql.slice(0, 2000), dialect)) {
    if (shown !== '' && token.start > end) shown += ' '
    shown += token.kind === 'text' ? "'…'" : sql.slice(token.start, token.end)
    end = token.end
    if (shown.length > longest) return `${shown.slice(0, longest)}…`
  }
  return shown
}
