import type { Catalog } from '../contracts/catalog.js'
import type { Dialect } from '../contracts/migration.js'
import { readPostgresCatalog } from './read-postgres.js'
import { type Read, readSqliteCatalog } from './read-sqlite.js'

export type { Read } from './read-sqlite.js'

/** The schema as the connection of `read` sees it now, also within its transaction. */
export async function readCatalog(read: Read, dialect: Dialect): Promise<Catalog> {
  return dialect === 'postgres' ? await readPostgresCatalog(read) : await readSqliteCatalog(read)
}

/** Without the tables that `leaveOut` names, such as the journal's, and what hangs on them. */
export function withoutTables(catalog: Catalog, leaveOut: (table: string) => boolean): Catalog {
  return {
    ...catalog,
    tables: catalog.tables.filter(({ name }) => !leaveOut(name)),
    triggers: catalog.triggers.filter(({ table }) => !leaveOut(table)),
    sequences: catalog.sequences.filter(
      ({ ownedBy }) => ownedBy === undefined || !leaveOut(ownedBy.slice(0, ownedBy.lastIndexOf('.'))),
    ),
  }
}
