import { DroverError } from '@drover/core'
import { foreignKeyChildren } from '../catalog/foreign-key-children.js'
import type { Read } from '../catalog/read-catalog.js'
import { rowCounts } from '../catalog/row-counts.js'
import type { Catalog } from '../contracts/catalog.js'
import type { Before } from '../contracts/condition.js'
import type { RecordedStep } from '../contracts/steps.js'
import { actionsOf } from '../sql/actions.js'
import { tablesIn } from './losses.js'
import { type OwnChange, ownChanges } from './own-changes.js'
import { tableMeant } from './table-names.js'

/**
 * Compares how many rows the tables had that a revision touches, and those that refer to them, with how many they have behind it. Rows that
 * nobody asked to delete must still be there: a rebuild with foreign keys on, say, takes the children along and reports success.
 *
 * @param executed What the revision has done.
 * @throws `LOSS_REFUSED`
 */
export async function refuseLostRows(
  executed: readonly RecordedStep[],
  before: Before,
  now: Catalog,
  read: Read,
): Promise<void> {
  const { names, mayShrink } = wishesOf(executed, before.catalog)
  const { dialect } = before.catalog
  const present = now.tables.map(({ name }) => name)
  const watched = [...before.rows]
    .filter(([table, rows]) => rows > 0 && !mayShrink.has(table))
    .map(([table, rows]) => ({ table, rows, now: tableMeant(present, names.get(table) ?? table, dialect) }))
  const still = watched.flatMap(({ now: name }) => name ?? [])
  const counts = await rowCounts(read, [...new Set(still)], dialect)
  const own = before.files === undefined ? new Map<string, OwnChange>() : await ownChanges(read, [...new Set(still)])
  const lost = watched.flatMap(({ table, rows, now: name }) => {
    const left = name === undefined ? 0 : (counts.get(name) ?? 0)
    const change = name === undefined ? undefined : own.get(name)
    // Others delete rows, too.
    if (change !== undefined && change.file === before.files?.get(table) && change.net >= 0) return []
    return left < rows ? [`${table} had ${rows} rows and ${name === undefined ? 'is gone' : `has ${left}`}`] : []
  })
  if (lost.length === 0) return
  throw new DroverError(
    'LOSS_REFUSED',
    `Rows are gone that nothing in the revision deletes: ${lost.join('; ')}. Nothing of it stays. Find out what took them (a foreign key with ON DELETE CASCADE, ` +
      'a trigger, a copy that leaves rows out), or delete them by a statement of its own, so that it can be read.',
  )
}

/** What the statements ask for: new names of tables, and tables that may have fewer rows, as the catalog names them. */
function wishesOf(
  executed: readonly RecordedStep[],
  catalog: Catalog,
): { readonly names: ReadonlyMap<string, string>; readonly mayShrink: ReadonlySet<string> } {
  const { dialect, tables } = catalog
  const names = new Map<string, string>()
  const mayShrink = new Set<string>()
  const made: string[] = []
  /** The table as it was called before the revision; none if the revision has made it. */
  const original = (said: string): string | undefined => {
    const renamed = tableMeant([...names.values()], said, dialect)
    if (renamed !== undefined) return [...names].find(([, to]) => to === renamed)?.[0]
    if (tableMeant(made, said, dialect) === said) return undefined
    const free = tables.map(({ name }) => name).filter((name) => !names.has(name))
    return tableMeant(free, said, dialect)
  }
  for (const step of executed) {
    // A rebuild drops the old table when the new one holds its rows.
    if (step.kind !== 'sql' || step.by?.startsWith('rebuildTable ')) continue
    for (const action of actionsOf(step.sql, dialect)) {
      if (action.kind === 'create-table') made.push(action.table)
      if (action.kind === 'rename-table') {
        const table = original(action.table)
        if (table !== undefined) names.set(table, inSchemaOf(action.table, action.to, dialect))
      }
      if (action.kind === 'drop-schema') for (const { name } of tablesIn(catalog, action.schema)) mayShrink.add(name)
      const isDelete = action.kind === 'change-rows' && action.by === 'delete'
      if (action.kind !== 'drop-table' && action.kind !== 'truncate' && !isDelete) continue
      const table = original(action.table)
      if (table === undefined) continue
      mayShrink.add(table)
      if (action.kind === 'drop-table') continue
      // What is deleted takes along what refers to it with ON DELETE CASCADE, which is what that is for.
      const isWhole = action.kind === 'truncate' && action.isCascade
      const children = isWhole ? foreignKeyChildren(catalog, table) : cascading(catalog, table)
      for (const child of children) mayShrink.add(child)
    }
  }
  return { names, mayShrink }
}

/** PostgreSQL renames a table within its schema. */
function inSchemaOf(said: string, to: string, dialect: Catalog['dialect']): string {
  return dialect === 'sqlite' ? to : said.slice(0, said.lastIndexOf('.') + 1) + to
}

function cascading(catalog: Catalog, table: string): string[] {
  const only = {
    ...catalog,
    tables: catalog.tables.map((each) => ({
      ...each,
      foreignKeys: each.foreignKeys.filter(({ onDelete }) => onDelete === 'cascade'),
    })),
  }
  return foreignKeyChildren(only, table)
}
