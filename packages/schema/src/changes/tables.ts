import type { Catalog, CatalogTable } from '../contracts/catalog.js'

/** A table by the name that a revision uses: SQLite does not mind its case, and PostgreSQL not a schema that is searched anyway. */
export function tableNamed(catalog: Catalog, name: string): CatalogTable | undefined {
  return catalog.tables.find((table) => isSameName(catalog.dialect, table.name, name))
}

/** Whether both name the same table, view or type. */
export function isSameName(dialect: Catalog['dialect'], one: string, other: string): boolean {
  const plain = (name: string): string => (dialect === 'sqlite' ? name.toLowerCase() : name.replace(/^public\./, ''))
  return plain(one) === plain(other)
}

/** Whether both name the same column. */
export function isSameColumn(dialect: Catalog['dialect'], one: string, other: string): boolean {
  return dialect === 'sqlite' ? one.toLowerCase() === other.toLowerCase() : one === other
}
