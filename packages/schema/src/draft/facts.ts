import type { Catalog } from '../contracts/catalog.js'
import type { SchemaConnection } from '../contracts/database.js'
import type { ColumnDefinition } from '../contracts/schema-changes.js'
import { quoteName, quoteTable, quoteText } from '../sql/quote.js'
import { keyOf } from './comparison.js'
import type { Facts } from './planned.js'
import type { Renames } from './renames.js'

/** Something that a comparison cannot know. */
export type DraftQuestion =
  | {
      readonly kind: 'table-renamed' | 'column-renamed'
      /** Of a column. */
      readonly table?: string
      readonly from: string
      readonly to: string
      /** A sentence for a person, which `true` or `false` answers. */
      readonly message: string
    }
  | {
      /** The value of a new NOT NULL column, or instead of nulls, for rows that are there. */
      readonly kind: 'value'
      readonly table: string
      readonly column: string
      readonly message: string
    }

/** `true` or `false` of a rename; a value, or SQL as `{ sql }`, of a value; `undefined`: not decided. */
export type DraftAnswer = Exclude<ColumnDefinition['default'], null> | undefined

export type Ask = (question: DraftQuestion) => DraftAnswer | Promise<DraftAnswer>

/** What is known of the rows of a database, before anything is renamed in it. */
export class DatabaseFacts implements Facts {
  readonly #populated = new Set<string>()

  private constructor(
    private readonly connection: SchemaConnection,
    private readonly renames: Renames,
    private readonly ask: Ask | undefined,
  ) {}

  static async of(
    connection: SchemaConnection,
    { dialect, tables }: Catalog,
    renames: Renames,
    ask: Ask | undefined,
  ): Promise<DatabaseFacts> {
    const facts = new DatabaseFacts(connection, renames, ask)
    for (const { name } of tables) {
      const [row] = await connection.query(`SELECT EXISTS (SELECT 1 FROM ${quoteTable(name, dialect)}) AS some`)
      if (row?.some === true || Number(row?.some) === 1) facts.#populated.add(keyOf(name, dialect))
    }
    return facts
  }

  isPopulated(table: string): boolean {
    return this.#populated.has(keyOf(this.renames.oldTable(table), this.connection.dialect))
  }

  async hasNulls(table: string, column: string): Promise<boolean> {
    const name = quoteTable(this.renames.oldTable(table), this.connection.dialect)
    const old = quoteName(this.renames.oldColumn(table, column))
    const [row] = await this.connection.query(`SELECT 1 AS found FROM ${name} WHERE ${old} IS NULL LIMIT 1`)
    return row !== undefined
  }

  async isCastable(from: string, to: string): Promise<boolean> {
    const bare = (type: string): string => quoteText(type.replace(/\(.*\)/, ''))
    // A type that is only declared is not there yet.
    const [row] = await this.connection.query(
      `SELECT pg_catalog.to_regtype(${bare(from)}) = pg_catalog.to_regtype(${bare(to)}) OR EXISTS (
  SELECT FROM pg_catalog.pg_cast WHERE castsource = pg_catalog.to_regtype(${bare(from)}) AND casttarget = pg_catalog.to_regtype(${bare(to)})) AS castable`,
    )
    return row?.castable === true
  }

  async valueFor(table: string, column: string): Promise<DraftAnswer> {
    const message = `Which value do the rows of ${table} get that have none in ${column}?`
    return this.ask?.({ kind: 'value', table, column, message })
  }
}
