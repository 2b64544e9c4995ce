import { checkOptionNames, DroverError } from '@drover/core'
import type { Catalog, CatalogForeignKey, CatalogTable } from '../../contracts/catalog.js'
import type { SchemaChanges } from '../../contracts/schema-changes.js'
import type { Steps } from '../../contracts/steps.js'
import { quoteName, quoteTable } from '../../sql/quote.js'
import { foreignKeyOf } from '../table-sql.js'
import { isSameColumn, isSameName, tableNamed } from '../tables.js'
import { onceSteps } from './once.js'
import { rebuildTable } from './rebuild-table.js'
import { rowsShown } from './rows-shown.js'

type Key = Parameters<SchemaChanges['addForeignKey']>[1]

/**
 * Adds a foreign key. Rows without a parent are an error before anything happens. In PostgreSQL it is added NOT VALID and validated then: in a revision
 * with `transaction: 'none'` others write meanwhile. SQLite makes the table anew.
 *
 * @throws `FOREIGN_KEY_BROKEN` naming the rows; `OPTION_INVALID` if there is another key of that name
 */
export async function addForeignKey(steps: Steps, table: string, key: Key): Promise<void> {
  const by = `addForeignKey ${table}.${key.name}`
  checkOptionNames(by, key, ['name', 'columns', 'references', 'onDelete', 'onUpdate', 'deferrable'])
  const { columns, references } = key
  if (columns.length === 0 || columns.length !== references.columns.length) {
    throw new DroverError('OPTION_INVALID', `${by}: it needs as many columns as it refers to, at least one.`)
  }
  const { dialect } = steps
  const once = await onceSteps(steps, by, key)
  if (once === undefined) return
  const catalog = await once.catalog()
  const known = catalog === null ? undefined : found(catalog, by, table)
  const present = known?.foreignKeys.find(({ name }) => name !== undefined && isSameColumn(dialect, name, key.name))
  if (present !== undefined && !isSameKey(dialect, present, key)) {
    throw new DroverError(
      'OPTION_INVALID',
      `${by}: there is a foreign key of that name already, and it is another one.`,
    )
  }
  if (present?.isValid === true) return
  if (catalog !== null && known !== undefined) {
    refuseParent(catalog, by, key)
    await refuseOrphans(once, by, known, key)
  }
  const constraint = foreignKeyOf(key, dialect)
  if (dialect === 'sqlite') return rebuildTable(once, table, { addConstraints: [constraint] })
  const target = quoteTable(table)
  if (present === undefined) await once.run(`ALTER TABLE ${target} ADD ${constraint} NOT VALID`, { by })
  await once.run(`ALTER TABLE ${target} VALIDATE CONSTRAINT ${quoteName(key.name)}`, { by })
}

/** Drops a foreign key by its name. SQLite makes the table anew. */
export async function dropForeignKey(steps: Steps, table: string, name: string): Promise<void> {
  if (steps.dialect === 'sqlite') return rebuildTable(steps, table, { dropConstraints: [name] })
  const by = `dropForeignKey ${table}.${name}`
  await steps.run(`ALTER TABLE ${quoteTable(table)} DROP CONSTRAINT ${quoteName(name)}`, { by })
}

function found(catalog: Catalog, by: string, table: string): CatalogTable {
  const known = tableNamed(catalog, table)
  if (known === undefined) throw new DroverError('NAME_UNKNOWN', `${by}: there is no table ${table}.`)
  return known
}

/** SQLite takes any key, and fails with "foreign key mismatch" when the first row comes. */
function refuseParent(catalog: Catalog, by: string, { references }: Key): void {
  const parent = found(catalog, by, references.table)
  const same = (columns: readonly string[]): boolean =>
    columns.length === references.columns.length &&
    columns.every((column) => references.columns.some((each) => isSameColumn(catalog.dialect, each, column)))
  const unique = parent.indexes.filter(({ isUnique, where }) => isUnique && where === undefined).map(({ keys }) => keys)
  if ([parent.primaryKey, ...parent.uniques.map(({ columns }) => columns), ...unique].some(same)) return
  throw new DroverError(
    'OPTION_INVALID',
    `${by}: ${references.table} (${references.columns.join(', ')}) is neither its primary key nor unique, so nothing can refer to it. Add a unique constraint to it.`,
  )
}

async function refuseOrphans(steps: Steps, by: string, known: CatalogTable, key: Key): Promise<void> {
  const { columns, references } = key
  const { dialect } = steps
  const isSet = columns.map((column) => `c.${quoteName(column)} IS NOT NULL`).join(' AND ')
  const fits = columns
    .map((column, at) => `p.${quoteName(references.columns[at] ?? '')} = c.${quoteName(column)}`)
    .join(' AND ')
  const orphans = `${quoteTable(known.name, dialect)} AS c WHERE ${isSet} AND NOT EXISTS (SELECT 1 FROM ${quoteTable(references.table, dialect)} AS p WHERE ${fits})`
  const rows = await rowsShown(steps, orphans, [...new Set([...known.primaryKey, ...columns])].map(quoteName))
  if (rows === undefined) return
  throw new DroverError(
    'FOREIGN_KEY_BROKEN',
    `${by}: ${rows} of ${known.name} refer to rows of ${references.table} that are not there. Delete or mend them, or set ${columns.join(', ')} to NULL, in a revision before.`,
  )
}

function isSameKey(dialect: Steps['dialect'], present: CatalogForeignKey, key: Key): boolean {
  const action = (said: string | undefined): string => (said ?? 'no action').toLowerCase()
  const same = (one: readonly string[], other: readonly string[]): boolean =>
    one.length === other.length && one.every((column, at) => isSameColumn(dialect, column, other[at] ?? ''))
  return (
    isSameName(dialect, present.table, key.references.table) &&
    same(present.columns, key.columns) &&
    same(present.references, key.references.columns) &&
    present.onDelete === action(key.onDelete) &&
    present.onUpdate === action(key.onUpdate) &&
    present.deferrable === key.deferrable
  )
}
