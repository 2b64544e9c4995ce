import { createHash } from 'node:crypto'

/** PostgreSQL cuts names off behind 63 bytes. A longer one is cut here, so that it stays one of its own. */
export function shortName(name: string): string {
  if (Buffer.byteLength(name) <= 63) return name
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8)
  let beginning = name
  while (Buffer.byteLength(beginning) > 54) beginning = beginning.slice(0, -1)
  return `${beginning}_${hash}`
}

/** A name beside a table's: in its schema. */
export function besideTable(table: string, dialect: 'postgres' | 'sqlite', nameOf: (bare: string) => string): string {
  const dot = dialect === 'postgres' ? table.lastIndexOf('.') : -1
  return `${table.slice(0, dot + 1)}${shortName(nameOf(table.slice(dot + 1)))}`
}
