import { foreignKeyChildren } from '../catalog/foreign-key-children.js'
import type { Read } from '../catalog/read-catalog.js'
import type { Catalog, CatalogColumn, CatalogTable } from '../contracts/catalog.js'
import type { Loss, PlannedRevision } from '../contracts/plan.js'
import type { RecordedStep } from '../contracts/steps.js'
import { actionsOf } from '../sql/actions.js'
import { quoteName, quoteTable } from '../sql/quote.js'
import { tokensOf } from '../sql/tokens.js'
import { tableMeant } from './table-names.js'

/**
 * What a plan throws away of what is in the database now: rows of tables that are dropped or emptied, and values other than NULL and the
 * default of columns that are dropped. What the plan itself brings in first is not there yet, and cannot be lost.
 */
export async function lossesOf(revisions: readonly PlannedRevision[], catalog: Catalog, read: Read): Promise<Loss[]> {
  const losses: Loss[] = []
  for (const { migration, steps } of revisions) {
    const archived = new Set<string>()
    for (const step of steps) {
      if (step.kind !== 'sql') continue
      if (step.by?.startsWith('archiveTable '))
        archived.add(tableNamed(catalog, step.by.slice('archiveTable '.length))?.name ?? '')
      for (const { table, column } of dropped(step, catalog)) {
        const known = losses.some(
          (loss) => loss.table === table.name && (loss.column === undefined || loss.column === column?.name),
        )
        if (known) continue
        const rows = await countOf(read, catalog, table, column)
        if (rows === 0) continue
        losses.push({
          revision: migration.id,
          table: table.name,
          ...(column === undefined ? {} : { column: column.name }),
          rows,
          isArchived: archived.has(table.name),
        })
      }
    }
  }
  return losses
}

/** A sentence for a person: `calls.pruning_count: 12 rows hold a value`. */
export function lossSaid({ table, column, rows, isArchived }: Loss): string {
  const what =
    column === undefined
      ? `${table}: ${rows} rows`
      : `${table}.${column}: ${rows} rows hold a value other than the default`
  return isArchived ? `${what} (archived)` : what
}

interface Dropped {
  readonly table: CatalogTable
  readonly column?: CatalogColumn
}

function dropped(step: RecordedStep & { readonly kind: 'sql' }, catalog: Catalog): Dropped[] {
  if (step.by?.startsWith('rebuildTable '))
    return droppedByCopy(step.sql, step.by.slice('rebuildTable '.length), catalog)
  return actionsOf(step.sql, catalog.dialect).flatMap((action): Dropped[] => {
    if (action.kind === 'drop-schema') return tablesIn(catalog, action.schema).map((table) => ({ table }))
    if (action.kind !== 'drop-column' && action.kind !== 'drop-table' && action.kind !== 'truncate') return []
    const table = tableNamed(catalog, action.table)
    if (table === undefined) return []
    if (action.kind === 'truncate' && action.isCascade) {
      const children = foreignKeyChildren(catalog, table.name)
      return catalog.tables
        .filter((each) => each === table || children.includes(each.name))
        .map((each) => ({ table: each }))
    }
    if (action.kind !== 'drop-column') return [{ table }]
    const column = table.columns.find(({ name }) => name.toLowerCase() === action.column.toLowerCase())
    return column === undefined ? [] : [{ table, column }]
  })
}

/** Columns that INSERT INTO the new table … SELECT … FROM the old one does not speak of. */
function droppedByCopy(sql: string, name: string, catalog: Catalog): Dropped[] {
  const table = tableNamed(catalog, name)
  const tokens = tokensOf(sql, catalog.dialect)
  const select = tokens.findIndex(({ kind, value }) => kind === 'word' && value === 'select')
  if (table === undefined || tokens[0]?.value !== 'insert' || select < 0) return []
  const read = new Set(
    tokens
      .slice(select)
      .flatMap(({ kind, value }) => (kind === 'word' || kind === 'name' ? [value.toLowerCase()] : [])),
  )
  const isAll = tokens.slice(select).some(({ kind, value }) => kind === 'symbol' && value === '*')
  return table.columns
    .filter(({ name: column, generated }) => !isAll && generated === undefined && !read.has(column.toLowerCase()))
    .map((column) => ({ table, column }))
}

/** Without a name in front it is one of the schemas that are searched: `public`, as a rule. */
export function tablesIn({ tables }: Catalog, schema: string): CatalogTable[] {
  return tables.filter(({ name }) => (schema === 'public' ? !name.includes('.') : name.startsWith(`${schema}.`)))
}

function tableNamed({ tables, dialect }: Catalog, name: string): CatalogTable | undefined {
  const meant = tableMeant(
    tables.map((table) => table.name),
    name,
    dialect,
  )
  return tables.find((table) => table.name === meant)
}

/** A default that is computed, such as a time, is a value like any other. */
const constant = /^(?:-?[0-9.]+|'(?:[^']|'')*'|true|false|\(-?[0-9.]+\))(?:::[a-z ]+(?:\([0-9, ]+\))?)?$/i

async function countOf(
  read: Read,
  { dialect }: Catalog,
  table: CatalogTable,
  column: CatalogColumn | undefined,
): Promise<number> {
  const conditions: string[] = []
  if (column !== undefined) {
    const name = quoteName(column.name)
    conditions.push(`${name} IS NOT NULL`)
    if (column.default !== undefined && constant.test(column.default)) {
      // json has no equality in PostgreSQL.
      if (dialect === 'sqlite') conditions.push(`${name} IS NOT ${column.default}`)
      else if (column.type !== 'json') conditions.push(`${name} IS DISTINCT FROM ${column.default}`)
    }
  }
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`
  const [row] = await read(`SELECT count(*) AS rows FROM ${quoteTable(table.name, dialect)}${where}`)
  return Number(row?.rows)
}
