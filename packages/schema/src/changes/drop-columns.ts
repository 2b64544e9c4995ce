import { DroverError } from '@drover/core'
import type { CatalogTable } from '../contracts/catalog.js'
import type { Steps } from '../contracts/steps.js'
import { quoteName, quoteTable } from '../sql/quote.js'
import { tokensOf } from '../sql/tokens.js'
import { rebuildTable } from './helpers/rebuild-table.js'

/** Of SQLite. */
const dropsColumnsSince = 3_035_000

/**
 * Drops columns. SQLite does it in place where it can: indexes of the column go with it, as in PostgreSQL; where a constraint names it, the
 * table is made anew.
 */
export async function dropColumns(steps: Steps, table: string, names: readonly string[]): Promise<void> {
  const { dialect } = steps
  if (names.length === 0) throw new DroverError('OPTION_INVALID', `dropColumn ${table}: name the columns to drop.`)
  const by = `dropColumn ${table}`
  const target = quoteTable(table, dialect)
  if (dialect === 'postgres') {
    await steps.run(`ALTER TABLE ${target} ${names.map((name) => `DROP COLUMN ${quoteName(name)}`).join(', ')}`, { by })
    return
  }
  const found = (await steps.catalog())?.tables.find(({ name }) => same(name, table))
  if (steps.version < dropsColumnsSince || (found !== undefined && names.some((name) => isConstrained(found, name)))) {
    const columns = Object.fromEntries(names.map((name) => [name, null]))
    return rebuildTable(steps, table, { columns })
  }
  for (const index of found?.indexes ?? []) {
    const isUsing = names.some((name) => mentions([...index.keys, index.where ?? ''], name))
    if (isUsing) await steps.run(`DROP INDEX ${quoteName(index.name)}`, { by })
  }
  for (const name of names) await steps.run(`ALTER TABLE ${target} DROP COLUMN ${quoteName(name)}`, { by })
}

function isConstrained(table: CatalogTable, name: string): boolean {
  const { primaryKey, uniques, checks, foreignKeys, columns } = table
  const lists = [primaryKey, ...uniques.map((unique) => unique.columns), ...foreignKeys.map((key) => key.columns)]
  const expressions = [
    ...checks.map(({ expression }) => expression),
    ...columns.filter((column) => !same(column.name, name)).map(({ generated }) => generated?.expression ?? ''),
  ]
  return lists.some((list) => list.some((each) => same(each, name))) || mentions(expressions, name)
}

function mentions(expressions: readonly string[], name: string): boolean {
  return expressions.some((sql) =>
    tokensOf(sql, 'sqlite').some(({ kind, value }) => (kind === 'word' || kind === 'name') && same(value, name)),
  )
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}
