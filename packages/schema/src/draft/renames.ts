import type { Catalog, CatalogColumn, CatalogTable } from '../contracts/catalog.js'
import { quoteName, quoteTable } from '../sql/quote.js'
import { type Change, schemaCall } from './call.js'
import { type Comparison, keyOf } from './comparison.js'
import type { Declared } from './declared.js'
import type { Ask } from './facts.js'
import type { Making } from './scratch.js'

interface Rename {
  /** Of a column: by its new name. */
  readonly table?: string
  readonly from: string
  readonly to: string
}

/** What gets another name: said in the models, or by who was asked. */
export class Renames {
  readonly #tables: Rename[] = []
  readonly #columns: Rename[] = []
  /** Pairs that look alike and of which nobody has said what they are. */
  readonly #undecided: Rename[] = []

  get isEmpty(): boolean {
    return this.#tables.length + this.#columns.length === 0
  }

  oldTable(name: string): string {
    return this.#tables.find(({ to }) => to === name)?.from ?? name
  }

  oldColumn(table: string, name: string): string {
    return this.#columns.find((each) => each.table === table && each.to === name)?.from ?? name
  }

  /** For a scratch of the database as it is. */
  making({ dialect }: Catalog): Making[] {
    return [
      ...this.#tables.map(({ from, to }) => ({
        what: `the rename of ${from} to ${to}`,
        sql: `ALTER TABLE ${quoteTable(from, dialect)} RENAME TO ${quoteName(bare(to, dialect === 'postgres'))}`,
      })),
      ...this.#columns.map(({ table = '', from, to }) => ({
        what: `the rename of ${table}.${from} to ${to}`,
        sql: `ALTER TABLE ${quoteTable(table, dialect)} RENAME COLUMN ${quoteName(from)} TO ${quoteName(to)}`,
      })),
    ]
  }

  changes(): Change[] {
    return [
      ...this.#tables.map(
        ({ from, to }): Change => ({
          phase: 'rename table',
          up: [schemaCall('renameTable', from, to)],
          down: [schemaCall('renameTable', to, from)],
        }),
      ),
      ...this.#columns.map(
        ({ table = '', from, to }): Change => ({
          phase: 'rename column',
          up: [schemaCall('renameColumn', table, from, to)],
          down: [schemaCall('renameColumn', table, to, from)],
        }),
      ),
    ]
  }

  /** Pairs that nobody has decided about stop the revision. */
  undecided(): Change[] {
    return this.#undecided.map(({ table, from, to }): Change => {
      const word =
        table === undefined ? `renameTable('${from}', '${to}')` : `renameColumn('${table}', '${from}', '${to}')`
      const what = table === undefined ? `table ${to} the renamed ${from}` : `${table}.${to} the renamed ${from}`
      return {
        phase: 'rename table',
        up: [],
        down: [],
        undecided: `Is ${what}? Then say renamedFrom in the models and draft again, or write schema.${word} instead of what drops the one and adds the other below; else take this line out.`,
      }
    })
  }

  /** Tables of which one goes and one comes, and whose columns are much the same. */
  async findTables(
    { actual, wanted, differences }: Comparison,
    declared: Declared,
    ask: Ask | undefined,
  ): Promise<void> {
    const { dialect } = actual
    const of = (catalog: Catalog, change: string): CatalogTable[] => {
      const names = new Set(
        differences.flatMap((each) => (each.object === 'table' && each.change === change ? each.name : [])),
      )
      return catalog.tables.filter(({ name }) => names.has(keyOf(name, dialect)))
    }
    const gone = of(actual, 'removed')
    const added = of(wanted, 'added')
    await this.#find(
      gone,
      added,
      ({ name }) => declared.renamedFrom(name),
      (from, to) => likeness(from, to) >= 0.5,
      (from, to) => ({ from: from.name, to: to.name }),
      async (from, to) => {
        const message = `The table ${from.name} is there and not wanted, and ${to.name} is wanted, with much the same columns. Was it renamed?`
        return ask?.({ kind: 'table-renamed', from: from.name, to: to.name, message })
      },
      this.#tables,
      dialect === 'sqlite',
    )
  }

  /** Columns of one table of which one goes and one comes with the same type. */
  async findColumns(comparison: Comparison, declared: Declared, ask: Ask | undefined): Promise<void> {
    const { actual, wanted, differences } = comparison
    const isSqlite = actual.dialect === 'sqlite'
    for (const { name: table, columns } of wanted.tables) {
      const of = (change: 'added' | 'removed'): CatalogColumn[] =>
        differences.flatMap((each) =>
          each.object === 'column' && each.change === change && each.table === keyOf(table, actual.dialect)
            ? [comparison.original<CatalogColumn>(change === 'added' ? each.to : each.from)]
            : [],
        )
      await this.#find(
        of('removed'),
        columns.filter((column) => of('added').includes(column)),
        ({ name }) => declared.renamedFrom(table, name),
        (from, to) =>
          from.type.toUpperCase() === to.type.toUpperCase() &&
          from.generated === undefined &&
          to.generated === undefined,
        (from, to) => ({ table, from: from.name, to: to.name }),
        async (from, to) => {
          const message = `${table}.${from.name} is there and not wanted, and ${table}.${to.name} is wanted, of the same type. Was it renamed?`
          return ask?.({ kind: 'column-renamed', table, from: from.name, to: to.name, message })
        },
        this.#columns,
        isSqlite,
      )
    }
  }

  async #find<T extends { readonly name: string }>(
    gone: readonly T[],
    added: readonly T[],
    saidFrom: (to: T) => string | undefined,
    isAlike: (from: T, to: T) => boolean,
    pair: (from: T, to: T) => Rename,
    ask: (from: T, to: T) => Promise<unknown>,
    found: Rename[],
    isCaseless: boolean,
  ): Promise<void> {
    const same = (one: string, other: string): boolean =>
      isCaseless ? one.toLowerCase() === other.toLowerCase() : one === other
    const left = new Set(gone)
    const open: T[] = []
    const pairs: Rename[] = []
    for (const to of added) {
      const said = saidFrom(to)
      const from = said === undefined ? undefined : [...left].find(({ name }) => same(name, said))
      if (from === undefined) open.push(to)
      else {
        left.delete(from)
        pairs.push(pair(from, to))
      }
    }
    const unsure: [T, T][] = []
    for (const to of open) {
      for (const from of left) {
        if (!isAlike(from, to)) continue
        const answer = await ask(from, to)
        if (answer === true) {
          left.delete(from)
          pairs.push(pair(from, to))
          break
        }
        if (answer === undefined) unsure.push([from, to])
      }
    }
    found.push(...pairs)
    const taken = new Set(pairs.map(({ to }) => to))
    for (const [from, to] of unsure) if (left.has(from) && !taken.has(to.name)) this.#undecided.push(pair(from, to))
  }
}

/** The share of columns that both have, of the same type. */
function likeness(one: CatalogTable, other: CatalogTable): number {
  const shared = one.columns.filter((column) =>
    other.columns.some(({ name, type }) => name === column.name && type.toUpperCase() === column.type.toUpperCase()),
  )
  return shared.length / Math.max(one.columns.length, other.columns.length, 1)
}

/** The new name of a table stays in its schema. */
function bare(name: string, isPostgres: boolean): string {
  return isPostgres ? name.slice(name.lastIndexOf('.') + 1) : name
}
