import { DroverError } from '@drover/core'
import type { Catalog, CatalogTable } from '../contracts/catalog.js'
import type { RecordedStep, Steps } from '../contracts/steps.js'
import { actionsOf } from '../sql/actions.js'
import { quoteName, quoteTable } from '../sql/quote.js'
import { type Token, tokensOf } from '../sql/tokens.js'
import { refuseBroken, refuseKeyless } from './helpers/dependents.js'
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
  const catalog = await steps.catalog()
  const found = catalog?.tables.find(({ name }) => same(name, table))
  if (steps.version < dropsColumnsSince || (found !== undefined && names.some((name) => isConstrained(found, name)))) {
    const columns = Object.fromEntries(names.map((name) => [name, null]))
    return rebuildTable(steps, table, { columns })
  }
  for (const index of found?.indexes ?? []) {
    const isUsing = names.some((name) => mentions([...index.keys, index.where ?? ''], name))
    if (isUsing) await steps.run(`DROP INDEX ${quoteName(index.name)}`, { by })
  }
  for (const name of names) await steps.run(`ALTER TABLE ${target} DROP COLUMN ${quoteName(name)}`, { by })
  const now = await steps.catalog()
  if (now === null || catalog === null) return
  await refuseBroken(steps, by, now, table, names)
  refuseKeyless(by, catalog, now, table)
}

/** Whether the step of a preview drops a column that a constraint of the table names, so that SQLite has to make the table anew. */
export function isDropByRebuild(step: RecordedStep, { tables }: Catalog): boolean {
  if (step.kind !== 'sql' || step.by?.startsWith('dropColumn ') !== true) return false
  return actionsOf(step.sql, 'sqlite').some((action) => {
    if (action.kind !== 'drop-column') return false
    const table = tables.find(({ name }) => same(name, action.table))
    return table !== undefined && isConstrained(table, action.column)
  })
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
  return expressions.some(
    (sql) =>
      same(sql, name) ||
      tokensOf(sql, 'sqlite').some((token, at, tokens) => same(token.value, name) && mayBeColumn(token, at, tokens)),
  )
}

/** `lower` is a function in `lower(a)`, `nocase` a collation in `a COLLATE nocase`, and a bare `desc` never a column. */
function mayBeColumn({ kind, value }: Token, at: number, tokens: readonly Token[]): boolean {
  if (kind === 'name') return tokens[at - 1]?.value !== 'collate'
  if (kind !== 'word' || value === 'desc' || value === 'asc' || tokens[at - 1]?.value === 'collate') return false
  return tokens[at + 1]?.value !== '('
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}
