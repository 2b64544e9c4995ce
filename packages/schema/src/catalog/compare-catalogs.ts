import type { Catalog, CatalogTable } from '../contracts/catalog.js'

export type CatalogObject =
  | 'table'
  | 'column'
  | 'primary key'
  | 'unique constraint'
  | 'check'
  | 'foreign key'
  | 'index'
  | 'view'
  | 'trigger'
  | 'enum'
  | 'sequence'
  | 'other'

/** One thing in which two schemas differ. */
export interface CatalogDifference {
  /** Seen from the first schema on the way to the second one. */
  readonly change: 'added' | 'removed' | 'changed'
  readonly object: CatalogObject
  /** What it belongs to, where it belongs to a table. */
  readonly table?: string
  /** Of constraints without a name, their columns or expression. */
  readonly name: string
  /** Which properties differ, when it changed. */
  readonly properties: readonly string[]
  readonly from?: unknown
  readonly to?: unknown
}

type Part = Omit<CatalogDifference, 'change' | 'properties' | 'from' | 'to'> & { readonly value: object }

/** What has to change for `from` to become `to`, in a fixed order; white space in SQL makes no difference. */
export function compareCatalogs(from: Catalog, to: Catalog): CatalogDifference[] {
  const differences: CatalogDifference[] = []
  const old = new Map(partsOf(from).map((part) => [idOf(part), part]))
  const tables = new Set(from.tables.map(({ name }) => name))
  const newTables = new Set(to.tables.map(({ name }) => name))
  for (const part of partsOf(to)) {
    const id = idOf(part)
    const before = old.get(id)
    old.delete(id)
    // What comes with a new table is said by it.
    if (before === undefined && part.table !== undefined && !tables.has(part.table)) continue
    const { value, ...about } = part
    if (before === undefined) differences.push({ change: 'added', ...about, properties: [], to: value })
    else {
      const properties = differing(before.value, value)
      if (properties.length > 0)
        differences.push({ change: 'changed', ...about, properties, from: before.value, to: value })
    }
  }
  for (const { value, ...about } of old.values()) {
    if (about.table !== undefined && !newTables.has(about.table)) continue
    differences.push({ change: 'removed', ...about, properties: [], from: value })
  }
  return differences
}

function idOf({ object, table = '', name }: Part): string {
  return JSON.stringify([object, table, name])
}

function partsOf(catalog: Catalog): Part[] {
  return [
    ...catalog.enums.map((each): Part => ({ object: 'enum', name: each.name, value: { values: each.values } })),
    ...catalog.tables.flatMap(tableParts),
    ...catalog.sequences.map((each): Part => ({ object: 'sequence', name: each.name, value: each })),
    ...catalog.views.map(
      (each): Part => ({
        object: 'view',
        name: each.name,
        value: { sql: each.sql, isMaterialized: each.isMaterialized },
      }),
    ),
    ...catalog.triggers.map(
      (each): Part => ({ object: 'trigger', table: each.table, name: each.name, value: { sql: each.sql } }),
    ),
    ...catalog.others.map(
      (each): Part => ({ object: 'other', name: `${each.kind} ${each.name}`, value: { sql: each.sql } }),
    ),
  ]
}

function tableParts(table: CatalogTable): Part[] {
  const { name, isStrict, isWithoutRowid, comment } = table
  return [
    { object: 'table', name, value: { isStrict, isWithoutRowid, comment } },
    ...table.columns.map((column): Part => ({ object: 'column', table: name, name: column.name, value: column })),
    ...(table.primaryKey.length === 0
      ? []
      : [
          {
            object: 'primary key',
            table: name,
            name: '',
            value: { columns: table.primaryKey, name: table.primaryKeyName },
          } as Part,
        ]),
    ...table.uniques.map(
      (each): Part => ({
        object: 'unique constraint',
        table: name,
        name: each.name ?? each.columns.join(', '),
        value: each,
      }),
    ),
    ...table.checks.map(
      (each): Part => ({ object: 'check', table: name, name: each.name ?? plain(each.expression), value: each }),
    ),
    ...table.foreignKeys.map(
      (each): Part => ({ object: 'foreign key', table: name, name: each.name ?? each.columns.join(', '), value: each }),
    ),
    ...table.indexes.map((each): Part => ({ object: 'index', table: name, name: each.name, value: each })),
  ]
}

function differing(from: object, to: object): string[] {
  const properties = new Set([...Object.keys(from), ...Object.keys(to)])
  const [a, b] = [from, to] as [Record<string, unknown>, Record<string, unknown>]
  return [...properties].filter((each) => compared(a[each]) !== compared(b[each]))
}

function compared(value: unknown): string {
  return typeof value === 'string' ? plain(value) : (JSON.stringify(value) ?? '')
}

/** Runs of white space are one blank. */
function plain(sql: string): string {
  return sql.replace(/\s+/g, ' ').trim()
}
