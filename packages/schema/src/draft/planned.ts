import type { CatalogDifference, CatalogObject } from '../catalog/compare-catalogs.js'
import type { Catalog, CatalogColumn, CatalogForeignKey, CatalogTable } from '../contracts/catalog.js'
import type { Dialect } from '../contracts/migration.js'
import type { ColumnDefinition } from '../contracts/schema-changes.js'
import { quoteName } from '../sql/quote.js'
import { tokensOf } from '../sql/tokens.js'
import type { Change } from './call.js'
import { type Comparison, keyOf } from './comparison.js'
import type { Declared } from './declared.js'

/** What is known of the rows, and by those who are asked. */
export interface Facts {
  /** By the names that tables have when renames are done. */
  isPopulated(table: string): boolean
  hasNulls(table: string, column: string): Promise<boolean>
  /** Whether PostgreSQL converts one type into the other by itself or when told to. */
  isCastable(from: string, to: string): Promise<boolean>
  /** For rows that are there, of a column that must have one; undefined if nobody says. */
  valueFor(table: string, column: string): Promise<ColumnDefinition['default']>
}

/** What plans of both databases are made from. */
export interface Planning {
  readonly comparison: Comparison
  readonly declared: Declared
  readonly facts: Facts
}

/** Differences of one table, by what they are about. */
export class TableDifferences {
  constructor(
    readonly table: string,
    private readonly all: readonly CatalogDifference[],
  ) {}

  static all({ differences, actual, wanted }: Comparison): TableDifferences[] {
    const names = new Set(differences.flatMap(({ object, table, name }) => table ?? (object === 'table' ? name : [])))
    const { dialect } = actual
    const shown = (name: string): string =>
      [...actual.tables, ...wanted.tables].find((table) => keyOf(table.name, dialect) === name)?.name ?? name
    return [...names].map(
      (name) =>
        new TableDifferences(
          shown(name),
          differences.filter((each) => each.table === name || (each.object === 'table' && each.name === name)),
        ),
    )
  }

  of(object: CatalogObject, ...changes: readonly CatalogDifference['change'][]): CatalogDifference[] {
    return this.all.filter((each) => each.object === object && (changes.length === 0 || changes.includes(each.change)))
  }

  get isNew(): boolean {
    return this.of('table', 'added').length > 0
  }

  get isGone(): boolean {
    return this.of('table', 'removed').length > 0
  }
}

/** Whether SQL speaks of one of the names. */
export function mentions(sql: string, names: ReadonlySet<string>, dialect: Dialect): boolean {
  if (names.size === 0) return false
  const keys = new Set([...names].map((name) => keyOf(name, dialect)))
  return tokensOf(sql, dialect).some(
    ({ kind, value }) => (kind === 'word' || kind === 'name') && keys.has(keyOf(value, dialect)),
  )
}

/** Parents first; where they refer to each other in a circle, as they came. */
export function parentsFirst(tables: readonly CatalogTable[], dialect: Dialect): CatalogTable[] {
  const left = new Map(tables.map((table) => [keyOf(table.name, dialect), table]))
  const sorted: CatalogTable[] = []
  const visit = (table: CatalogTable): void => {
    if (!left.delete(keyOf(table.name, dialect))) return
    for (const key of table.foreignKeys) {
      const parent = left.get(keyOf(key.table, dialect))
      if (parent !== undefined) visit(parent)
    }
    sorted.push(table)
  }
  for (const table of tables) visit(table)
  return sorted
}

/** Foreign keys by which tables of the list refer to ones that stand behind them: those of a circle, when parents come first. */
export function forwardKeys(
  sorted: readonly CatalogTable[],
  table: CatalogTable,
  dialect: Dialect,
): CatalogForeignKey[] {
  const behind = new Set(sorted.slice(sorted.indexOf(table) + 1).map(({ name }) => keyOf(name, dialect)))
  return table.foreignKeys.filter((key) => behind.has(keyOf(key.table, dialect)))
}

/** Views of `catalog` that read one of the tables or views, also through others, in the order in which they can be made. */
export function viewsReading(catalog: Catalog, names: Iterable<string>): Set<string> {
  const key = (name: string): string => keyOf(name, catalog.dialect)
  const read = new Set([...names].map(key))
  const found = new Set<string>()
  for (let size = -1; size !== found.size; ) {
    size = found.size
    for (const view of catalog.views) {
      if (!view.reads.some((name) => read.has(key(name)))) continue
      found.add(view.name)
      read.add(key(view.name))
    }
  }
  return found
}

/** Whether a row that is there needs a value that nobody has said. */
export function needsValue({ isNullable, default: initial, identity, generated }: CatalogColumn): boolean {
  return !isNullable && initial === undefined && identity === undefined && generated === undefined
}

/** A value that stands in where the real one is not known any more. */
export function standIn({ type }: CatalogColumn): string | number | { readonly sql: string } | undefined {
  if (/int|numeric|decimal|real|double|float/i.test(type)) return 0
  if (/char|text|clob/i.test(type)) return ''
  if (/bool/i.test(type)) return { sql: 'false' }
  if (/^timestamp|^date/i.test(type)) return { sql: 'CURRENT_TIMESTAMP' }
  if (/^json/i.test(type)) return { sql: `'{}'` }
  return undefined
}

export function undecidedValue(table: string, column: string): string {
  return `Rows of ${table} are there, and ${column} must have a value: say which, by a default in the models or here.`
}

/** What is done for data that goes: it is kept elsewhere first. */
export function archived(table: string, isPopulated: boolean): Change[] {
  if (!isPopulated) return []
  return [
    {
      phase: 'archive',
      up: [{ word: 'archiveTable', given: [table] }],
      down: [],
      comments: [`Rows of ${table} are kept in an archive: what is dropped below does not come back with down.`],
    },
  ]
}

export function quoted(columns: readonly string[]): string {
  return columns.map(quoteName).join(', ')
}
