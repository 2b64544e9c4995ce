import type { Dialect } from '../contracts/migration.js'

/** Which of the catalog's names a statement means. Two tables of one name in two schemas are two. */
export function tableMeant(names: readonly string[], said: string, dialect: Dialect): string | undefined {
  const alike = (name: string): string => name.toLowerCase().replace(dialect === 'sqlite' ? /^main\./ : /^public\./, '')
  const found =
    names.find((name) => name === said) ??
    names.find((name) => name.toLowerCase() === said.toLowerCase()) ??
    names.find((name) => alike(name) === alike(said))
  if (found !== undefined || dialect === 'sqlite') return found
  // A schema that is searched has no place in the catalog's names, and may have one in the statement.
  const last = names.filter((name) => bare(name, dialect) === bare(said, dialect))
  return last.length === 1 ? last[0] : undefined
}

/** The name alone, as databases compare it where nothing is in quotes. In SQLite a dot is part of it. */
export function bare(name: string, dialect: Dialect): string {
  return (dialect === 'sqlite' ? name : name.slice(name.lastIndexOf('.') + 1)).toLowerCase()
}
