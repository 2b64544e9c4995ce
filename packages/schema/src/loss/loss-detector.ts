import { DroverError } from '@drover/core'
import { foreignKeyChildren } from '../catalog/foreign-key-children.js'
import type { Read } from '../catalog/read-catalog.js'
import { rowCounts } from '../catalog/row-counts.js'
import type { Catalog } from '../contracts/catalog.js'
import type { RecordedStep } from '../contracts/steps.js'
import { actionsOf } from '../sql/actions.js'
import { bare } from './touched-tables.js'

/**
 * Compares how many rows the tables had that a revision touches, and those that refer to them, with how many they have behind it. Rows that
 * nobody asked to delete must still be there: a rebuild with foreign keys on, say, takes the children along and reports success.
 *
 * @param executed What the revision has done.
 * @throws `LOSS_REFUSED`
 */
export async function refuseLostRows(
  executed: readonly RecordedStep[],
  before: { readonly catalog: Catalog; readonly rows: ReadonlyMap<string, number> },
  now: Catalog,
  read: Read,
): Promise<void> {
  const { names, mayShrink } = wishesOf(executed, before.catalog)
  const present = new Map(now.tables.map(({ name }) => [bare(name), name]))
  const watched = [...before.rows].filter(([table, rows]) => rows > 0 && !mayShrink.has(bare(table)))
  const still = watched.flatMap(([table]) => present.get(names.get(bare(table)) ?? bare(table)) ?? [])
  const counts = await rowCounts(read, still)
  const lost = watched.flatMap(([table, rows]) => {
    const name = present.get(names.get(bare(table)) ?? bare(table))
    const left = name === undefined ? 0 : (counts.get(name) ?? 0)
    return left < rows ? [`${table} had ${rows} rows and ${name === undefined ? 'is gone' : `has ${left}`}`] : []
  })
  if (lost.length === 0) return
  throw new DroverError(
    'LOSS_REFUSED',
    `Rows are gone that nothing in the revision deletes: ${lost.join('; ')}. Nothing of it stays. Find out what took them (a foreign key with ON DELETE CASCADE, ` +
      'a trigger, a copy that leaves rows out), or delete them by a statement of its own, so that it can be read.',
  )
}

/** What the statements ask for: new names of tables, and tables that may have fewer rows. */
function wishesOf(
  executed: readonly RecordedStep[],
  catalog: Catalog,
): { readonly names: ReadonlyMap<string, string>; readonly mayShrink: ReadonlySet<string> } {
  const names = new Map<string, string>()
  const mayShrink = new Set<string>()
  for (const step of executed) {
    // A rebuild drops the old table when the new one holds its rows.
    if (step.kind !== 'sql' || step.by?.startsWith('rebuildTable ')) continue
    for (const action of actionsOf(step.sql, catalog.dialect)) {
      if (action.kind === 'rename-table') {
        const original = [...names].find(([, to]) => to === bare(action.table))?.[0] ?? bare(action.table)
        names.set(original, bare(action.to))
      }
      if (action.kind === 'drop-table') mayShrink.add(bare(action.table))
      const deletes = action.kind === 'truncate' || (action.kind === 'change-rows' && action.by === 'delete')
      if (!deletes) continue
      // What is deleted takes along what refers to it with ON DELETE CASCADE, which is what that is for.
      for (const table of [action.table, ...cascading(catalog, action.table)]) mayShrink.add(bare(table))
    }
  }
  return { names, mayShrink }
}

function cascading(catalog: Catalog, table: string): string[] {
  const only = {
    ...catalog,
    tables: catalog.tables.map((each) => ({
      ...each,
      foreignKeys: each.foreignKeys.filter(({ onDelete }) => onDelete === 'cascade'),
    })),
  }
  const own = catalog.tables.find(({ name }) => bare(name) === bare(table))?.name ?? table
  return foreignKeyChildren(only, own)
}
