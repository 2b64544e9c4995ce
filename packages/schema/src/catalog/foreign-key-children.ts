import type { Catalog } from '../contracts/catalog.js'

/** Tables with a foreign key to the table, and those with one to them, and so on; without the table itself. SQLite does not mind the case of names. */
export function foreignKeyChildren(catalog: Catalog, table: string): string[] {
  const alike = (name: string): string => (catalog.dialect === 'sqlite' ? name.toLowerCase() : name)
  const found = new Set<string>()
  const parents = [table]
  for (const parent of parents) {
    for (const { name, foreignKeys } of catalog.tables) {
      const isChild = foreignKeys.some((key) => alike(key.table) === alike(parent))
      if (!isChild || found.has(name) || alike(name) === alike(table)) continue
      found.add(name)
      parents.push(name)
    }
  }
  return [...found]
}
