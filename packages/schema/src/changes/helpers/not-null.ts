import { checkOptionNames, DroverError } from '@drover/core'
import type { ColumnDefinition } from '../../contracts/schema-changes.js'
import type { Steps } from '../../contracts/steps.js'
import { quoteName, quoteTable } from '../../sql/quote.js'
import { defaultSql } from '../column-sql.js'
import { isSameColumn, tableNamed } from '../tables.js'
import { onceSteps } from './once.js'
import { rebuildTable } from './rebuild-table.js'
import { rowsShown } from './rows-shown.js'
import { shortName } from './short-name.js'

export interface AddNotNullOptions {
  readonly fill?: string | number | boolean | { readonly sql: string }
}

/**
 * Lets a column have no NULL any more. In PostgreSQL a CHECK is validated first, so that SET NOT NULL need not look at the rows: in a revision
 * with `transaction: 'none'` nobody waits while they are read. SQLite makes the table anew.
 *
 * @throws `CONDITION_FAILED` naming rows with NULL, without `fill`
 */
export async function addNotNull(
  steps: Steps,
  table: string,
  column: string,
  options: AddNotNullOptions = {},
): Promise<void> {
  const by = `addNotNull ${table}.${column}`
  checkOptionNames(by, options, ['fill'])
  const { fill } = options
  const { dialect } = steps
  const value = fill === undefined ? undefined : defaultSql(fill, dialect)
  const once = await onceSteps(steps, by, options)
  if (once === undefined) return
  const found = await columnNow(once, by, table, column)
  const target = quoteTable(table, dialect)
  const name = quoteName(column)
  if (value === undefined) {
    const rows = await rowsShown(once, `${target} WHERE ${name} IS NULL`, found.key)
    if (rows !== undefined) {
      throw new DroverError(
        'CONDITION_FAILED',
        `${by}: it is NULL in ${rows}. Give them a value before, or here: fill.`,
      )
    }
  }
  if (dialect === 'sqlite') {
    if (found.definition?.nullable === false) return
    return rebuildTable(once, table, {
      columns: { [column]: { type: '', ...found.definition, nullable: false } },
      ...(value === undefined ? {} : { fill: { [column]: `coalesce(${name}, ${value})` } }),
    })
  }
  const check = shortName(`${table.slice(table.lastIndexOf('.') + 1)}_${column}_not_null`)
  const isNotNull = found.definition?.nullable === false
  const hasCheck = found.checks.includes(check)
  const alter = async (change: string): Promise<void> =>
    void (await once.run(`ALTER TABLE ${target} ${change}`, { by }))
  if (!isNotNull) {
    if (value !== undefined) await once.run(`UPDATE ${target} SET ${name} = ${value} WHERE ${name} IS NULL`, { by })
    if (!hasCheck) await alter(`ADD CONSTRAINT ${quoteName(check)} CHECK (${name} IS NOT NULL) NOT VALID`)
    await alter(`VALIDATE CONSTRAINT ${quoteName(check)}`)
    await alter(`ALTER COLUMN ${name} SET NOT NULL`)
  }
  if (!isNotNull || hasCheck) await alter(`DROP CONSTRAINT ${quoteName(check)}`)
}

/** Lets a column have NULL again. */
export async function dropNotNull(steps: Steps, table: string, column: string): Promise<void> {
  const by = `dropNotNull ${table}.${column}`
  const once = await onceSteps(steps, by, {})
  if (once === undefined) return
  if (steps.dialect === 'postgres') {
    await once.run(`ALTER TABLE ${quoteTable(table)} ALTER COLUMN ${quoteName(column)} DROP NOT NULL`, { by })
    return
  }
  const { definition } = await columnNow(once, by, table, column)
  if (definition?.nullable === true) return
  await rebuildTable(once, table, { columns: { [column]: { type: '', ...definition, nullable: true } } })
}

interface ColumnNow {
  readonly definition?: ColumnDefinition
  /** Quoted. */
  readonly key: readonly string[]
  /** Names of the table's checks. */
  readonly checks: readonly string[]
}

/** A column as it stands; nothing is known in a preview without a schema. */
async function columnNow(steps: Steps, by: string, table: string, name: string): Promise<ColumnNow> {
  const catalog = await steps.catalog()
  if (catalog === null) return { key: [], checks: [] }
  const known = tableNamed(catalog, table)
  const column = known?.columns.find((each) => isSameColumn(steps.dialect, each.name, name))
  if (known === undefined || column === undefined) {
    throw new DroverError('NAME_UNKNOWN', `${by}: there is no such ${known === undefined ? 'table' : 'column'}.`)
  }
  const { type, isNullable, collation } = column
  return {
    definition: {
      type,
      nullable: isNullable,
      ...(column.default === undefined ? {} : { default: { sql: column.default } }),
      ...(collation === undefined ? {} : { collation }),
    },
    key: known.primaryKey.map(quoteName),
    checks: known.checks.flatMap((each) => each.name ?? []),
  }
}
