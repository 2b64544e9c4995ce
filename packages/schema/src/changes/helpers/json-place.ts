import { DroverError } from '@drover/core'
import type { Catalog, CatalogTable } from '../../contracts/catalog.js'
import type { Steps } from '../../contracts/steps.js'
import { quoteName, quoteTable } from '../../sql/quote.js'
import { isSameColumn, tableNamed } from '../tables.js'
import { jsonPath } from './json-path.js'
import { type JsonSql, jsonSql, sqlitePath } from './json-sql.js'
import { besideTable } from './short-name.js'

/** One attribute in the json of a column, in a database that is there. */
export interface JsonPlace {
  readonly by: string
  /** Quoted. */
  readonly table: string
  readonly column: string
  /** The column's name, as it is. */
  readonly name: string
  readonly known: CatalogTable
  readonly catalog: Catalog
  /** The primary key's columns, quoted. */
  readonly key: readonly string[]
  readonly sql: JsonSql
  readonly keys: readonly string[]
  /** The path as SQLite has it, as a text. */
  readonly sqlitePath: string
}

interface Asked {
  readonly table: string
  readonly column: string
  readonly path: string
}

/** SQLite has `->` since then. */
const arrowSince = 3_038_000

/** Undefined in a preview without a schema: what follows is unseen. @throws `OPTION_INVALID`, `NAME_UNKNOWN` */
export async function jsonPlace(steps: Steps, by: string, asked: Asked): Promise<JsonPlace | undefined> {
  const { dialect, version } = steps
  const keys = jsonPath(by, asked.path)
  if (!steps.isInTransaction) {
    throw new DroverError(
      'OPTION_INVALID',
      `${by}: it is several statements that belong together; put it into a revision of its own without transaction: 'none'.`,
    )
  }
  if (!steps.isPreview && dialect === 'sqlite' && version < arrowSince) {
    throw new DroverError(
      'OPTION_INVALID',
      `${by}: it needs SQLite 3.38 or newer; the driver brings its own, so update it.`,
    )
  }
  const catalog = await steps.catalog()
  if (catalog === null) return undefined
  const known = tableNamed(catalog, asked.table)
  const column = known?.columns.find(({ name }) => isSameColumn(dialect, name, asked.column))
  if (known === undefined || column === undefined) {
    const what = known === undefined ? `table ${asked.table}` : `column ${asked.table}.${asked.column}`
    throw new DroverError('NAME_UNKNOWN', `${by}: there is no ${what}.`)
  }
  if (known.primaryKey.length === 0) {
    throw new DroverError(
      'OPTION_INVALID',
      `${by}: ${asked.table} has no primary key, so rows that are left as they are cannot be told from others on the way back. Give it one.`,
    )
  }
  return {
    by,
    table: quoteTable(known.name, dialect),
    column: quoteName(column.name),
    name: column.name,
    known,
    catalog,
    key: known.primaryKey.map(quoteName),
    sql: jsonSql(dialect, column.name, column.type, keys),
    keys,
    sqlitePath: sqlitePath(keys),
  }
}

/** Of a row `t` and what is remembered of it, `s`. A key of SQLite may be NULL. */
export function isSameRow({ key, catalog }: JsonPlace): string {
  const is = catalog.dialect === 'sqlite' ? 'IS' : '='
  return key.map((column) => `s.${column} ${is} t.${column}`).join(' AND ')
}

/** The table that remembers rows which were left as they were. Its name begins like all of ours. */
export function rememberedIn(steps: Steps, table: string, what: string): string {
  return besideTable(table, steps.dialect, (bare) => `drover_kept_${bare}_${what}`)
}
