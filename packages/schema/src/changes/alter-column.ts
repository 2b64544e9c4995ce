import { checkOptionNames, DroverError } from '@drover/core'
import type { ColumnDefinition } from '../contracts/schema-changes.js'
import type { Steps } from '../contracts/steps.js'
import { quoteName, quoteTable } from '../sql/quote.js'
import { columnType, defaultSql } from './column-sql.js'
import { helpers } from './helper-table.js'

type Change = Partial<ColumnDefinition> & { readonly using?: string }

/** Changes type, default and nullability of a column; SQLite makes the table anew. */
export async function alterColumn(steps: Steps, table: string, name: string, to: Change): Promise<void> {
  const where = `alterColumn ${table}.${name}`
  checkOptionNames(where, to, ['type', 'nullable', 'default', 'using', 'collation'])
  if (Object.values(to).every((value) => value === undefined)) {
    throw new DroverError('OPTION_INVALID', `${where}: say what becomes of it: type, nullable, default or collation.`)
  }
  if (to.using !== undefined && to.type === undefined) {
    throw new DroverError('OPTION_INVALID', `${where}: using says how values get another type; give the type.`)
  }
  if (steps.dialect === 'sqlite') await inSqlite(steps, table, name, to)
  else await inPostgres(steps, where, table, name, to)
}

async function inPostgres(steps: Steps, by: string, table: string, name: string, to: Change): Promise<void> {
  const { type, nullable, default: initial, using, collation } = to
  const target = quoteTable(table, 'postgres')
  const column = quoteName(name)
  const run = (change: string): Promise<number> =>
    steps.run(`ALTER TABLE ${target} ALTER COLUMN ${column} ${change}`, { by })
  if (collation !== undefined && type === undefined) {
    throw new DroverError('OPTION_INVALID', `${by}: PostgreSQL changes a collation with the type; give the type too.`)
  }
  if (type !== undefined) {
    // The old default may not fit the new type.
    if (initial !== undefined) await run('DROP DEFAULT')
    const collate = collation === undefined ? '' : ` COLLATE ${quoteTable(collation, 'postgres')}`
    await run(`TYPE ${columnType(type, 'postgres')}${collate}${using === undefined ? '' : ` USING ${using}`}`)
  }
  if (initial !== undefined)
    await run(initial === null ? 'DROP DEFAULT' : `SET DEFAULT ${defaultSql(initial, 'postgres')}`)
  if (nullable === true) await run('DROP NOT NULL')
  if (nullable === false) await helpers.addNotNull(steps, table, name)
}

async function inSqlite(steps: Steps, table: string, name: string, to: Change): Promise<void> {
  const { using, ...change } = to
  const tables = (await steps.catalog())?.tables
  const same = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase()
  const column = tables?.find((each) => same(each.name, table))?.columns.find((each) => same(each.name, name))
  if (tables !== undefined && column === undefined) {
    throw new DroverError('NAME_UNKNOWN', `alterColumn ${table}.${name}: there is no such column.`)
  }
  const definition: ColumnDefinition = {
    type: column?.type ?? '',
    ...(column === undefined ? {} : { nullable: column.isNullable }),
    ...(column?.default === undefined ? {} : { default: { sql: column.default } }),
    ...(column?.collation === undefined ? {} : { collation: column.collation }),
    ...change,
  }
  await helpers.rebuildTable(steps, table, {
    columns: { [name]: definition },
    ...(using === undefined ? {} : { fill: { [name]: using } }),
  })
}
