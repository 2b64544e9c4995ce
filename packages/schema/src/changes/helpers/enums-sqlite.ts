import { DroverError } from '@drover/core'
import type { CatalogTable } from '../../contracts/catalog.js'
import type { ColumnDefinition } from '../../contracts/schema-changes.js'
import type { Steps } from '../../contracts/steps.js'
import { quoteName, quoteText } from '../../sql/quote.js'
import { tokensOf } from '../../sql/tokens.js'
import { enumCheck } from '../column-sql.js'
import { isSameColumn } from '../tables.js'
import { onceSteps } from './once.js'
import { rebuildTable } from './rebuild-table.js'
import { rowsShown } from './rows-shown.js'

interface EnumChange {
  /** As the revision says it. */
  readonly asked: object
  change(values: readonly string[]): readonly string[]
  readonly map: Readonly<Record<string, string>>
}

interface EnumColumn {
  readonly column: string
  readonly values: readonly string[]
}

/** Makes each table anew that has a column of the enum: a CHECK that bears its name. */
export async function changeInSqlite(steps: Steps, by: string, name: string, change: EnumChange): Promise<void> {
  const once = await onceSteps(steps, by, change.asked)
  if (once === undefined) return
  const catalog = await once.catalog()
  if (catalog === null) {
    once.unseen(
      `tables that have columns of the enum are made anew: ${JSON.stringify(change.asked)}`,
      `rebuildTable by ${by}`,
    )
    return
  }
  for (const table of catalog.tables) {
    const columns = columnsOf(by, table, name)
    const changed = columns.filter(({ values }) => String(values) !== String(change.change(values)))
    if (changed.length === 0 && !columns.some(({ values }) => values.some((value) => Object.hasOwn(change.map, value))))
      continue
    for (const column of columns) await refuseUnmapped(once, by, table, column, change)
    await rebuildTable(once, table.name, {
      dropConstraints: [name],
      addConstraints: columns.map(({ column, values }) => enumCheck(name, column, change.change(values))),
      ...mapped(table, columns, change.map),
    })
  }
}

/** @throws `OPTION_INVALID` naming the columns that have the enum */
export async function refuseUsed(steps: Steps, by: string, name: string): Promise<void> {
  const tables = (await steps.catalog())?.tables ?? []
  const used = tables.flatMap((table) => columnsOf(by, table, name).map(({ column }) => `${table.name}.${column}`))
  if (used.length === 0) return
  throw new DroverError(
    'OPTION_INVALID',
    `${by}: ${used.join(', ')} still have it. Drop or change these columns before.`,
  )
}

function columnsOf(by: string, table: CatalogTable, name: string): EnumColumn[] {
  return table.checks
    .filter((check) => check.name !== undefined && isSameColumn('sqlite', check.name, name))
    .map(({ expression }) => {
      const [column, word, open, ...list] = tokensOf(expression, 'sqlite')
      const values = list.filter(({ kind }) => kind === 'text').map(({ value }) => value)
      const isList = (column?.kind === 'name' || column?.kind === 'word') && word?.value === 'in' && open?.value === '('
      const known = isList ? table.columns.find((each) => isSameColumn('sqlite', each.name, column.value)) : undefined
      if (known !== undefined && values.length > 0) return { column: known.name, values }
      throw new DroverError(
        'OPTION_INVALID',
        `${by}: the check ${name} of ${table.name} is not column IN ('a', 'b' …) (${expression}), so it is none of an enum.`,
      )
    })
}

async function refuseUnmapped(
  steps: Steps,
  by: string,
  table: CatalogTable,
  { column, values }: EnumColumn,
  { change, map }: EnumChange,
): Promise<void> {
  const allowed = [...change(values), ...Object.keys(map)].map((value) => quoteText(value)).join(', ')
  const rows = await rowsShown(
    steps,
    `${quoteName(table.name)} WHERE ${quoteName(column)} NOT IN (${allowed})`,
    [...new Set([...table.primaryKey, column])].map(quoteName),
  )
  if (rows === undefined) return
  throw new DroverError(
    'LOSS_REFUSED',
    `${by}: ${table.name}.${column} has values that are neither kept nor mapped, in ${rows}. Say in map what becomes of them.`,
  )
}

/** Values and defaults that get another name. */
function mapped(table: CatalogTable, columns: readonly EnumColumn[], map: Readonly<Record<string, string>>) {
  const cases = Object.entries(map).map(([from, to]) => ` WHEN ${quoteText(from)} THEN ${quoteText(to)}`)
  if (cases.length === 0) return {}
  const defaults: Record<string, ColumnDefinition> = {}
  for (const { column } of columns) {
    const known = table.columns.find(({ name }) => name === column)
    const value = /^'((?:[^']|'')*)'$/.exec(known?.default ?? '')?.[1]?.replaceAll("''", "'")
    const to = value === undefined ? undefined : map[value]
    if (known === undefined || to === undefined) continue
    const { type, isNullable, collation } = known
    defaults[column] = { type, nullable: isNullable, default: to, ...(collation === undefined ? {} : { collation }) }
  }
  return {
    columns: defaults,
    fill: Object.fromEntries(
      columns.map(({ column }) => [column, `CASE ${quoteName(column)}${cases.join('')} ELSE ${quoteName(column)} END`]),
    ),
  }
}
