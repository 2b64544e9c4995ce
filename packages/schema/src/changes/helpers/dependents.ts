import { DroverError } from '@drover/core'
import { namesIn } from '../../catalog/read-sqlite.js'
import type { Catalog, CatalogTrigger, CatalogView } from '../../contracts/catalog.js'
import type { Steps } from '../../contracts/steps.js'
import { quoteName } from '../../sql/quote.js'
import { withSureNames } from '../../sql/sure-names.js'
import { tokensOf } from '../../sql/tokens.js'

/** Views that read the table, also through other views. */
export function viewsOver({ views }: Catalog, table: string): CatalogView[] {
  const names = new Set([table.toLowerCase()])
  const found = new Set<CatalogView>()
  for (let size = -1; size !== found.size; ) {
    size = found.size
    for (const view of views) {
      if (!view.reads.some((name) => names.has(name.toLowerCase()))) continue
      found.add(view)
      names.add(view.name.toLowerCase())
    }
  }
  return views.filter((view) => found.has(view))
}

/** Triggers of the table and of its views, and those of others that speak of it. */
export function triggersOver(catalog: Catalog, table: string): CatalogTrigger[] {
  const names = [table, ...viewsOver(catalog, table).map(({ name }) => name)]
  return catalog.triggers.filter(
    (trigger) => names.some((name) => same(name, trigger.table)) || namesIn(trigger.sql, names).length > 0,
  )
}

/**
 * SQLite finds out that a view or trigger does not work any more when somebody uses it. So they are compiled here.
 *
 * @param gone Columns that the table does not have any more.
 * @throws `CONDITION_FAILED` with the view or trigger, what it lacks, and what to do
 */
export async function refuseBroken(
  steps: Steps,
  where: string,
  catalog: Catalog,
  table: string,
  gone: readonly string[] = [],
): Promise<void> {
  const broken: string[] = []
  const attempt = async (what: string, sql: string): Promise<void> => {
    try {
      await steps.read(sql)
    } catch (error) {
      if (DroverError.isInstance(error) && error.isRetryable) throw error
      broken.push(`${what} (${saidBy(error)})`)
    }
  }
  for (const { name, sql } of viewsOver(catalog, table)) {
    await attempt(`the view ${name}`, `EXPLAIN SELECT * FROM ${quoteName(name)}`)
    const sure = withSureNames(sql, gone)
    if (sure !== sql) await attempt(`the view ${name}`, `EXPLAIN ${queryOf(sure)}`)
  }
  for (const trigger of triggersOver(catalog, table)) {
    const sure = withSureNames(trigger.sql, gone)
    if (sure !== trigger.sql) {
      await steps.run(`DROP TRIGGER ${quoteName(trigger.name)}`, { by: where })
      await steps.run(sure, { by: where })
    }
    const missing = missingColumns(trigger, catalog)
    if (missing.length > 0) broken.push(`the trigger ${trigger.name} (no such column: ${missing.join(', ')})`)
    const sql = missing.length > 0 ? undefined : firing(trigger, catalog)
    if (sql !== undefined) await attempt(`the trigger ${trigger.name}`, sql)
  }
  if (broken.length > 0) throw leavesBroken(where, broken)
}

/** What a view is called for. */
function queryOf(sql: string): string {
  const as = tokensOf(sql, 'sqlite').find(({ kind, value }) => kind === 'word' && value === 'as')
  return as === undefined ? sql : sql.slice(as.end)
}

/**
 * A foreign key of SQLite needs a primary key or something unique at its other end, else each change of the tables fails; and nobody says so before.
 *
 * @throws `UNSAFE_REFUSED`
 */
export function refuseKeyless(where: string, before: Catalog, now: Catalog, table: string): void {
  const was = new Set(keyless(before, table))
  const broken = keyless(now, table).filter((each) => !was.has(each))
  if (broken.length === 0) return
  throw new DroverError(
    'UNSAFE_REFUSED',
    `${where}: ${broken.join('; ')} would refer to nothing that is unique. Call dropForeignKey before.`,
  )
}

function keyless({ tables }: Catalog, name: string): string[] {
  const parent = tables.find((each) => same(each.name, name))
  if (parent === undefined) return []
  const { primaryKey, uniques, indexes, columns } = parent
  const keys = [
    primaryKey,
    ...uniques.map((unique) => unique.columns),
    ...indexes.flatMap(({ isUnique, where, keys: of }) => (isUnique && where === undefined ? [of] : [])),
  ].map(setOf)
  const known = new Set(columns.map((column) => column.name.toLowerCase()))
  return tables.flatMap((child) =>
    child.foreignKeys.flatMap(({ table, references, columns: of }) => {
      if (!same(table, name)) return []
      const isThere = references.length > 0 && references.every((each) => known.has(each.toLowerCase()))
      return isThere && keys.includes(setOf(references)) ? [] : [`the foreign key (${of.join(', ')}) of ${child.name}`]
    }),
  )
}

function setOf(names: readonly string[]): string {
  return JSON.stringify(names.map((name) => name.toLowerCase()).sort())
}

export function leavesBroken(where: string, broken: readonly string[]): DroverError {
  return new DroverError(
    'CONDITION_FAILED',
    `${where}: it would leave behind what does not work any more: ${broken.join('; ')}. Drop them before it and make them anew behind it, in the same revision.`,
  )
}

/** What the store said, without what was being done. */
export function saidBy(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return cause instanceof Error ? cause.message.replace(/^SQLITE_ERROR: /, '') : String(cause)
}

/** Of UPDATE OF, which SQLite takes for columns that are not there, too: then it never fires. */
function missingColumns({ table, sql }: CatalogTrigger, catalog: Catalog): string[] {
  const tokens = tokensOf(sql, 'sqlite')
  const on = tokens.findIndex(({ kind, value }) => kind === 'word' && value === 'on')
  const of = tokens.findIndex(
    ({ kind, value }, at) => kind === 'word' && value === 'of' && tokens[at - 1]?.value === 'update',
  )
  const columns = catalog.tables.find((each) => same(each.name, table))?.columns
  if (of < 0 || of > on || columns === undefined) return []
  const named = tokens.slice(of + 1, on).filter(({ kind }) => kind !== 'symbol')
  return named.map(({ value }) => value).filter((value) => !columns.some(({ name }) => same(name, value)))
}

/** A statement that makes the trigger fire, to be explained and not run. */
function firing({ table, sql }: CatalogTrigger, catalog: Catalog): string | undefined {
  const words = tokensOf(sql, 'sqlite').map(({ kind, value }) => (kind === 'word' ? value : ''))
  const event = words
    .slice(0, words.indexOf('on'))
    .find((word) => word === 'insert' || word === 'update' || word === 'delete')
  const name = quoteName(table)
  if (event === 'delete') return `EXPLAIN DELETE FROM ${name}`
  const columns =
    catalog.tables.find((each) => same(each.name, table))?.columns.filter(({ generated }) => generated === undefined) ??
    []
  // What fires on a view has columns that only the view knows.
  if (columns.length === 0) return undefined
  if (event === 'insert')
    return `EXPLAIN INSERT INTO ${name} (${columns.map((column) => quoteName(column.name)).join(', ')}) VALUES (${columns.map(() => 'NULL').join(', ')})`
  return `EXPLAIN UPDATE ${name} SET ${columns.map((column) => `${quoteName(column.name)} = NULL`).join(', ')}`
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}
