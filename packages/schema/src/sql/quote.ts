import type { Dialect } from '../contracts/migration.js'

/** `chat.calls` as `"chat"."calls"`: a dot divides the schema from the name. Of SQLite, where names may hold dots, say so. */
export function quoteTable(name: string, dialect: Dialect = 'postgres'): string {
  return dialect === 'sqlite' ? quoteName(name) : name.split('.').map(quoteName).join('.')
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text as SQL has it in both databases; for PostgreSQL, if it is said, also where standard_conforming_strings is off. */
export function quoteText(text: string, dialect?: Dialect): string {
  const quoted = `'${text.replaceAll("'", "''")}'`
  return dialect === 'postgres' && text.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted
}
