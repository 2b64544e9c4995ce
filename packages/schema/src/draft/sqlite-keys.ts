import { createSql, definitionOf, tableText } from '../changes/helpers/table-text.js'
import type { Catalog, CatalogForeignKey, CatalogTable } from '../contracts/catalog.js'
import { quoteName } from '../sql/quote.js'
import { type Call, type Change, schemaCall } from './call.js'
import { type Comparison, keyOf } from './comparison.js'

const dialect = 'sqlite'

/** Makes a table anew without its foreign keys. */
export function withoutForeignKeys(
  { name, sql = '' }: CatalogTable,
  fill: Readonly<Record<string, string>> = {},
): Call {
  const { definitions, options } = tableText(sql)
  const text = {
    definitions: definitions
      .filter(({ constraint }) => constraint !== 'foreign')
      .map(({ text: written, pieces }) =>
        definitionOf(
          pieces
            .filter(({ kind }) => kind === 'references')
            .reduce((left, piece) => left.replace(piece.text, ''), written),
        ),
      ),
    options,
  }
  return schemaCall('rebuildTable', name, {
    createSql: createSql(quoteName(name), text),
    ...(Object.keys(fill).length === 0 ? {} : { fill }),
  })
}

/**
 * Tables whose foreign keys refer to a key that another table loses on the way up, or on the way down: they do without the keys while that one is
 * made anew.
 */
export class KeyedTables {
  constructor(private readonly comparison: Comparison) {}

  /** Whether a key of the table is in the way. */
  isWaiting(name: string): boolean {
    const { actual, wanted } = this.comparison
    const [old, made] = [this.comparison.actualTable(name), this.comparison.wantedTable(name)]
    const isLost = (key: CatalogForeignKey, from: Catalog, to: Catalog): boolean => {
      const [before, after] = [find(from, key.table), find(to, key.table)]
      if (before === undefined || after === undefined || keyOf(key.table, dialect) === keyOf(name, dialect))
        return false
      return hasKey(before, key.references) && !hasKey(after, key.references)
    }
    return (
      old?.foreignKeys.some((key) => isLost(key, actual, wanted)) === true ||
      made?.foreignKeys.some((key) => isLost(key, wanted, actual)) === true
    )
  }

  /** Around the others, for a table that goes, comes, or stays and is not made anew besides. */
  around(name: string): Change[] {
    if (!this.isWaiting(name)) return []
    const [old, made] = [this.comparison.actualTable(name), this.comparison.wantedTable(name)]
    return [
      ...(old === undefined
        ? []
        : [
            {
              phase: 'drop foreign key' as const,
              up: [withoutForeignKeys(old)],
              down: made === undefined ? [] : [asItIs(old)],
            },
          ]),
      ...(made === undefined || old !== undefined
        ? []
        : [{ phase: 'add key' as const, up: [], down: [withoutForeignKeys(made)] }]),
    ]
  }
}

function asItIs({ name, sql = '' }: CatalogTable): Call {
  return schemaCall('rebuildTable', name, { createSql: sql })
}

function find({ tables }: Catalog, name: string): CatalogTable | undefined {
  return tables.find((table) => keyOf(table.name, dialect) === keyOf(name, dialect))
}

function hasKey({ primaryKey, uniques, indexes }: CatalogTable, columns: readonly string[]): boolean {
  const lists = [
    primaryKey,
    ...uniques.map((unique) => unique.columns),
    ...indexes.flatMap(({ isUnique, where, keys }) => (isUnique && where === undefined ? [keys] : [])),
  ]
  const same = (list: readonly string[]): boolean =>
    list.length === columns.length &&
    columns.every((column) => list.some((each) => keyOf(each, dialect) === keyOf(column, dialect)))
  return lists.some(same)
}
