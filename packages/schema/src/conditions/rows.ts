import type { Row } from '@drover/core'
import type { Condition, ConditionContext } from '../contracts/condition.js'
import { ownChanges } from '../loss/own-changes.js'
import { quoteName, quoteTable } from '../sql/quote.js'
import { named } from './named.js'
import { comparable, tableOf } from './structure.js'

/** Keys that a message shows at the most. */
const mostShown = 5

/** None of the columns is NULL in any row. */
export function noNulls(table: string, ...columns: readonly string[]): Condition {
  return named(`no NULL in ${columns.map((column) => `${table}.${column}`).join(', ')}`, async (context) => {
    const failures: string[] = []
    for (const column of columns) {
      const failure = await rowsWhere(context, table, `${quoteName(column)} IS NULL`)
      if (failure !== undefined) failures.push(`${column} is NULL in ${failure}`)
    }
    return failures.length === 0 ? undefined : failures.join('; ')
  })
}

/** No row of the table fulfils the SQL condition. */
export function noRows(table: string, where: string): Condition {
  return named(`no row of ${table} where ${where}`, async (context) => {
    const failure = await rowsWhere(context, table, where)
    return failure === undefined ? undefined : `it holds of ${failure}`
  })
}

/** So many rows, or so many of them where the SQL condition holds. */
export function rowCount(table: string, expected: number, where = 'TRUE'): Condition {
  return named(
    `${expected} rows of ${table}${where === 'TRUE' ? '' : ` where ${where}`}`,
    async ({ query, dialect }) => {
      const [row] = await query(`SELECT count(*) AS rows FROM ${quoteTable(table, dialect)} WHERE ${where}`)
      return Number(row?.rows) === expected ? undefined : `there are ${String(row?.rows)}`
    },
  )
}

/**
 * The tables that the revision touches, those that refer to them, or the named ones, have as many rows as before. In PostgreSQL the rows of others, who go
 * on writing meanwhile, are left out of it where the revision is one transaction.
 */
export function rowCountsUnchanged(...tables: readonly string[]): Condition {
  return named(`as many rows as before${tables.length === 0 ? '' : ` in ${tables.join(', ')}`}`, async (context) => {
    const { before, query } = context
    const now = await context.catalog()
    const alike = comparable(now)
    const asked = tables.length === 0 ? [...before.rows.keys()] : tables
    const own = before.files === undefined ? undefined : await ownChanges(query, [...before.files.keys()])
    const differences: string[] = []
    for (const table of asked) {
      const [name = table, noted] = [...before.rows].find(([each]) => alike(each) === alike(table)) ?? []
      if (noted === undefined) {
        differences.push(
          `${table} is not among the tables that the revision touches, so its rows were not counted before`,
        )
        continue
      }
      if (tableOf(now, table) === undefined) {
        differences.push(`${table} is gone, with ${noted} rows`)
        continue
      }
      const change = own?.get(name)
      if (change !== undefined && change.file === before.files?.get(name)) {
        const { net } = change
        if (net !== 0)
          differences.push(`${table} has ${Math.abs(net)} rows ${net > 0 ? 'more' : 'less'} by this revision`)
        continue
      }
      const [row] = await query(`SELECT count(*) AS rows FROM ${quoteTable(table, context.dialect)}`)
      if (Number(row?.rows) !== noted) differences.push(`${table} had ${noted} rows and has ${String(row?.rows)}`)
    }
    return differences.length === 0 ? undefined : differences.join('; ')
  })
}

/** Each value of the column is NULL or parses as JSON. */
export function validJson(table: string, column: string): Condition {
  return named(`${table}.${column} is JSON`, async (context) => {
    if (context.dialect === 'sqlite') {
      const failure = await rowsWhere(
        context,
        table,
        `${quoteName(column)} IS NOT NULL AND NOT json_valid(${quoteName(column)})`,
      )
      return failure === undefined ? undefined : `it does not parse in ${failure}`
    }
    const found = tableOf(await context.catalog(), table)?.columns.find(({ name }) => name === column)
    if (found === undefined) return `there is no column ${column} in ${table}`
    if (/^jsonb?$/.test(found.type)) return undefined
    const broken = await brokenTexts(context, table, column)
    return broken.count === 0
      ? undefined
      : `it does not parse in ${await shownRows(context, table, broken.rows, broken.count)}`
  })
}

/** Every row's version column says the version. */
export function rowVersionIs(table: string, version: number, column = 'schema_version'): Condition {
  const name = quoteName(column)
  return named(`${table}.${column} is ${version}`, async ({ query, dialect }) => {
    const rows = await query(
      `SELECT ${name} AS version, count(*) AS rows FROM ${quoteTable(table, dialect)} WHERE ${name} IS NULL OR ${name} <> ${Number(version)} GROUP BY ${name}`,
    )
    const found = rows.map((row) => `${String(row.version ?? 'NULL')} in ${String(row.rows)} rows`)
    return found.length === 0 ? undefined : `it is ${found.join(', ')}`
  })
}

/** The statement gives one value, and that is true, or 1. */
export function sqlHolds(sql: string, values: readonly unknown[] = []): Condition {
  return named(sql, async ({ query }) => {
    const [row] = await query(sql, values)
    const value = row === undefined ? undefined : Object.values(row)[0]
    return value === true || Number(value) === 1
      ? undefined
      : `it gives ${row === undefined ? 'no row' : String(value)}`
  })
}

const pageSize = 5_000

/** PostgreSQL before 16 has no test that does not fail: texts are looked at here, a page at a time. */
async function brokenTexts(
  { query }: ConditionContext,
  table: string,
  column: string,
): Promise<{ readonly rows: readonly Row[]; readonly count: number }> {
  const name = quoteName(column)
  const rows: Row[] = []
  let count = 0
  let at = '(0,0)'
  for (;;) {
    const page = await query(
      `SELECT *, ctid::text AS "drover at", ${name}::text AS "drover json" FROM ${quoteTable(table)} WHERE ${name} IS NOT NULL AND ctid > $1::tid ORDER BY ctid LIMIT ${pageSize}`,
      [at],
    )
    const broken = page.filter((row) => !parses(row['drover json']))
    count += broken.length
    rows.push(...broken.slice(0, mostShown - rows.length))
    if (page.length < pageSize) return { rows, count }
    at = String(page.at(-1)?.['drover at'])
  }
}

function parses(text: unknown): boolean {
  try {
    JSON.parse(String(text))
    return true
  } catch {
    return false
  }
}

async function rowsWhere(context: ConditionContext, table: string, where: string): Promise<string | undefined> {
  const rows = await context.query(
    `SELECT * FROM ${quoteTable(table, context.dialect)} WHERE ${where} LIMIT ${mostShown}`,
  )
  if (rows.length === 0) return undefined
  const [counted] = await context.query(
    `SELECT count(*) AS rows FROM ${quoteTable(table, context.dialect)} WHERE ${where}`,
  )
  return await shownRows(context, table, rows, Number(counted?.rows))
}

/** `7 rows: id 1, id 2 …` */
async function shownRows(
  context: ConditionContext,
  table: string,
  rows: readonly Row[],
  count: number,
): Promise<string> {
  const key = tableOf(await context.catalog(), table)?.primaryKey ?? []
  const shown =
    key.length === 0
      ? []
      : rows.slice(0, mostShown).map((row) => key.map((name) => `${name} ${String(row[name])}`).join(' '))
  const list = shown.length === 0 ? '' : ` (${shown.join(', ')}${count > shown.length ? ', …' : ''})`
  return `${count} ${count === 1 ? 'row' : 'rows'}${list}`
}
