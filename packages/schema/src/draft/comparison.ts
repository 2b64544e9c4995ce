import { type CatalogDifference, compareCatalogs } from '../catalog/compare-catalogs.js'
import type {
  Catalog,
  CatalogColumn,
  CatalogForeignKey,
  CatalogIndex,
  CatalogTable,
  CatalogView,
} from '../contracts/catalog.js'
import type { Dialect } from '../contracts/migration.js'
import { quoteText } from '../sql/quote.js'
import { type Token, tokensOf } from '../sql/tokens.js'

/** What of two schemas is compared. Tables, their columns, keys, constraints and indexes always are. */
export interface Scope {
  readonly views: boolean
  readonly enums: boolean
  readonly triggers: boolean
  readonly sequences: boolean
  /** Tables of neither. */
  ignores(table: string): boolean
  /** Whether the name of a constraint of the wanted schema was chosen; else any does. */
  isNamed(table: string, constraint: string): boolean
}

/** Two schemas side by side: how they differ, where differences of spelling are none. */
export class Comparison {
  readonly differences: readonly CatalogDifference[]
  readonly #originals: Map<object, object>

  constructor(
    readonly actual: Catalog,
    readonly wanted: Catalog,
    readonly scope: Scope,
  ) {
    const spelling = new Spelling(actual.dialect)
    const from = spelling.catalog(actual, scope)
    const to = aligned(from, spelling.catalog(wanted, scope), scope, spelling.originals)
    this.differences = compareCatalogs(from, to)
    this.#originals = spelling.originals
  }

  /** A part of a table as it was read, by what a difference holds of it. */
  original<T extends object>(part: unknown): T {
    return (this.#originals.get(part as object) ?? part) as T
  }

  actualTable(name: string): CatalogTable | undefined {
    return tableOf(this.actual, name)
  }

  wantedTable(name: string): CatalogTable | undefined {
    return tableOf(this.wanted, name)
  }
}

/** SQLite does not mind the case of names. */
export function tableOf({ dialect, tables }: Catalog, name: string): CatalogTable | undefined {
  return tables.find((table) => keyOf(table.name, dialect) === keyOf(name, dialect))
}

export function keyOf(name: string, dialect: Dialect): string {
  return dialect === 'sqlite' ? name.toLowerCase() : name
}

/** Writes what means the same in the same way, and remembers what it was. */
class Spelling {
  readonly originals = new Map<object, object>()

  constructor(private readonly dialect: Dialect) {}

  catalog(catalog: Catalog, { views, enums, triggers, sequences, ignores }: Scope): Catalog {
    return {
      dialect: catalog.dialect,
      tables: catalog.tables.filter(({ name }) => !ignores(name)).map((table) => this.#table(table)),
      views: views ? catalog.views.map((view) => this.#view(view)) : [],
      triggers: triggers
        ? catalog.triggers
            .filter(({ table }) => !ignores(table))
            .map((each) => ({ name: this.#name(each.name), table: this.#name(each.table), sql: this.#sql(each.sql) }))
        : [],
      enums: enums ? catalog.enums : [],
      sequences: sequences ? catalog.sequences.filter(({ ownedBy }) => ownedBy === undefined) : [],
      others: [],
    }
  }

  #table(table: CatalogTable): CatalogTable {
    const { isStrict, isWithoutRowid, checks } = table
    return {
      name: this.#name(table.name),
      columns: table.columns.map((column) => this.#known(column, this.#column(column, table))),
      primaryKey: table.primaryKey.map((each) => this.#name(each)),
      uniques: table.uniques.map((each) =>
        this.#known(each, { ...this.#named(each), columns: this.#names(each.columns) }),
      ),
      checks: table.checks.map((each) =>
        this.#known(each, {
          // In SQLite each column of an enum has a check of the enum's name.
          ...(checks.filter(({ name }) => name === each.name).length > 1 ? {} : this.#named(each)),
          expression: this.#expression(each.expression),
          isValid: each.isValid,
        }),
      ),
      foreignKeys: table.foreignKeys.map((each) => this.#known(each, this.#foreignKey(each))),
      indexes: table.indexes.map((each) => this.#known(each, this.#index(each))),
      ...(isStrict === undefined ? {} : { isStrict }),
      ...(isWithoutRowid === undefined ? {} : { isWithoutRowid }),
    }
  }

  #column(column: CatalogColumn, { primaryKey }: CatalogTable): CatalogColumn {
    const { name, type, isNullable, identity, generated, collation } = column
    const isSqlite = this.dialect === 'sqlite'
    const initial = identity === 'serial' ? undefined : this.#default(column.default)
    return {
      name: this.#name(name),
      type: isSqlite
        ? type
            .toUpperCase()
            .replace(/\s+/g, ' ')
            .replace(/\s*([(),])\s*/g, '$1')
        : type,
      // A key's column that may be NULL is SQLite's oldest mistake, and nobody means it.
      isNullable: isSqlite && primaryKey.includes(name) ? false : isNullable,
      ...(initial === undefined ? {} : { default: initial }),
      ...(identity === undefined ? {} : { identity }),
      ...(generated === undefined
        ? {}
        : { generated: { expression: this.#expression(generated.expression), isStored: generated.isStored } }),
      ...(collation === undefined ? {} : { collation: isSqlite ? collation.toUpperCase() : collation }),
    }
  }

  #default(sql: string | undefined): string | undefined {
    if (sql === undefined) return undefined
    if (this.dialect === 'postgres') return /^NULL(?:::.*)?$/i.test(sql) ? undefined : sql
    const expression = this.#expression(sql)
    if (expression === 'null') return undefined
    return expression === 'true' ? '1' : expression === 'false' ? '0' : expression
  }

  #foreignKey(key: CatalogForeignKey): CatalogForeignKey {
    return {
      ...key,
      ...this.#named(key),
      columns: this.#names(key.columns),
      table: this.#name(key.table),
      references: this.#names(key.references),
    }
  }

  /** In PostgreSQL what stands behind USING: a schema in front of the table says nothing. */
  #index({ name, isUnique, method, isValid, sql }: CatalogIndex): CatalogIndex {
    const text =
      this.dialect === 'postgres'
        ? sql.slice(sql.indexOf(' USING '))
        : words(behind(tokensOf(sql, 'sqlite'), 'on').slice(1), this.dialect)
    return { name: this.#name(name), keys: [], isUnique, method, isValid, sql: text }
  }

  #view({ name, sql, isMaterialized }: CatalogView): CatalogView {
    return { name: this.#name(name), sql: this.#sql(sql), isMaterialized, reads: [] }
  }

  #sql(sql: string): string {
    return this.dialect === 'postgres' ? sql : words(tokensOf(sql, 'sqlite'), 'sqlite')
  }

  #expression(sql: string): string {
    return this.dialect === 'postgres' ? sql : words(unwrapped(tokensOf(sql, 'sqlite')), 'sqlite')
  }

  #names(names: readonly string[]): string[] {
    return names.map((name) => this.#name(name))
  }

  #name(name: string): string {
    return keyOf(name, this.dialect)
  }

  #named({ name }: { readonly name?: string }): { readonly name?: string } {
    return name === undefined ? {} : { name: this.#name(name) }
  }

  #known<T extends object>(original: T, spelled: T): T {
    this.originals.set(spelled, original)
    return spelled
  }
}

/** Of CREATE INDEX, what comes behind ON. */
function behind(tokens: readonly Token[], word: string): readonly Token[] {
  return tokens.slice(tokens.findIndex(({ kind, value }) => kind === 'word' && value === word) + 1)
}

/** Without parentheses around all of it. */
function unwrapped(tokens: readonly Token[]): readonly Token[] {
  let depth = 0
  const isWrapped =
    tokens[0]?.value === '(' &&
    tokens.every(({ kind, value }, at) => {
      if (kind === 'symbol' && value === '(') depth++
      if (kind === 'symbol' && value === ')') depth--
      return depth > 0 || at === tokens.length - 1
    })
  return isWrapped ? unwrapped(tokens.slice(1, -1)) : tokens
}

function words(tokens: readonly Token[], dialect: Dialect): string {
  return tokens
    .map(({ kind, value }) => (kind === 'text' ? quoteText(value) : kind === 'name' ? keyOf(value, dialect) : value))
    .join(' ')
}

interface Named {
  readonly name?: string
}

/** Constraints whose name nobody chose take that of the one that says the same. */
function aligned(from: Catalog, to: Catalog, scope: Scope, originals: Map<object, object>): Catalog {
  return {
    ...to,
    tables: to.tables.map((table) => {
      const other = from.tables.find(({ name }) => name === table.name)
      if (other === undefined) return table
      const align = <T extends Named>(wanted: readonly T[], actual: readonly T[]): T[] => {
        const free = [...actual]
        const take = (isIt: (each: T) => boolean): T | undefined => {
          const at = free.findIndex(isIt)
          return at < 0 ? undefined : free.splice(at, 1)[0]
        }
        const isChosen = ({ name }: T): boolean => name !== undefined && scope.isNamed(table.name, name)
        // Those with a name choose first.
        const found = new Map<T, T | undefined>()
        for (const each of [...wanted].sort((a, b) => Number(isChosen(b)) - Number(isChosen(a))))
          found.set(
            each,
            take((one) => (isChosen(each) ? one.name === each.name : content(one) === content(each))),
          )
        return wanted.map((each) => {
          const match = found.get(each)
          if (match === undefined || isChosen(each)) return each
          const { name, ...rest } = each
          const renamed = { ...rest, ...(match.name === undefined ? {} : { name: match.name }) } as T
          originals.set(renamed as object, originals.get(each as object) ?? (each as object))
          return renamed
        })
      }
      return {
        ...table,
        uniques: align(table.uniques, other.uniques),
        checks: align(table.checks, other.checks),
        foreignKeys: align(table.foreignKeys, other.foreignKeys),
      }
    }),
  }
}

/** All but the name, and whether rows were looked at. */
function content(constraint: object): string {
  const { name, isValid, ...rest } = constraint as Record<string, unknown>
  return JSON.stringify(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1)))
}
