import type { Dialect } from '../contracts/migration.js'

/** `chat.calls` as `"chat"."calls"`: a dot divides the schema from the name. Of SQLite, where names may hold dots, say so. */
export function quoteTable(name: string, dialect: Dialect = 'postgres'): string {
  return dialect === 'sqlite' ? quoteName(name) : name.split('.').map(quoteName).join('.')
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text as SQL has it in both databases. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
