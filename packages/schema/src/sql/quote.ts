import type { Dialect } from '../contracts/migration.js'

/** A name as SQL writes it, whatever it holds. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A table, index, view or type; in PostgreSQL it may have its schema in front: `chat.calls`. */
export function quoteTable(name: string, dialect: Dialect): string {
  const dot = dialect === 'postgres' ? name.indexOf('.') : -1
  return dot < 0 ? quoteName(name) : `${quoteName(name.slice(0, dot))}.${quoteName(name.slice(dot + 1))}`
}

/** A text as SQL writes it, whatever standard_conforming_strings is. */
export function quoteText(text: string, dialect: Dialect): string {
  const quoted = `'${text.replaceAll("'", "''")}'`
  return dialect === 'postgres' && text.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted
}
