/** What SQLite does to a value that is stored in a column. `BLOB` leaves every value as it is. */
export type Affinity = 'INTEGER' | 'TEXT' | 'BLOB' | 'REAL' | 'NUMERIC'

/** The affinity of a declared type, by the rules of https://www.sqlite.org/datatype3.html#determination_of_column_affinity in their order. */
export function affinityOf(declared: string, isStrict = false): Affinity {
  const type = splitCollation(declared).type.toUpperCase()
  if (isStrict && type === 'ANY') return 'BLOB'
  if (type.includes('INT')) return 'INTEGER'
  if (type.includes('CHAR') || type.includes('CLOB') || type.includes('TEXT')) return 'TEXT'
  if (type === '' || type.includes('BLOB')) return 'BLOB'
  if (type.includes('REAL') || type.includes('FLOA') || type.includes('DOUB')) return 'REAL'
  return 'NUMERIC'
}

/** Tells the type of a column from its collation; null if it has none. */
export function splitCollation(declared: string): { readonly type: string; readonly collation: string | null } {
  const found = /^(.*?)\s*\bCOLLATE\s+(\w+)$/is.exec(declared)
  return found === null ? { type: declared, collation: null } : { type: found[1] ?? '', collation: found[2] ?? null }
}
