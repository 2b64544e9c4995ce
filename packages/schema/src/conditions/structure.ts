import type { Catalog, CatalogTable } from '../contracts/catalog.js'
import type { Condition } from '../contracts/condition.js'
import { named } from './named.js'

/** SQLite does not mind the case of names; PostgreSQL's `public.` may be left out. */
export function tableOf(catalog: Catalog, name: string): CatalogTable | undefined {
  const alike = comparable(catalog)
  return catalog.tables.find((table) => alike(table.name) === alike(name))
}

export function comparable({ dialect }: Catalog): (name: string) => string {
  return (name) => (dialect === 'sqlite' ? name.toLowerCase() : name.replace(/^public\./, ''))
}

export function tableExists(table: string): Condition {
  return named(`table ${table} exists`, async ({ catalog }) =>
    tableOf(await catalog(), table) === undefined ? 'there is no such table' : undefined,
  )
}

export function tableMissing(table: string): Condition {
  return named(`there is no table ${table}`, async ({ catalog }) =>
    tableOf(await catalog(), table) === undefined ? undefined : 'the table is there already',
  )
}

export function columnExists(table: string, ...columns: readonly string[]): Condition {
  return named(`${table} has ${columns.join(', ')}`, async ({ catalog }) => {
    const { missing, tableIsMissing } = columnsIn(await catalog(), table, columns)
    if (tableIsMissing) return `there is no table ${table}`
    return missing.length === 0 ? undefined : `it lacks ${missing.join(', ')}`
  })
}

export function columnMissing(table: string, ...columns: readonly string[]): Condition {
  return named(`${table} has no ${columns.join(', ')}`, async ({ catalog }) => {
    const { present, tableIsMissing } = columnsIn(await catalog(), table, columns)
    if (tableIsMissing) return `there is no table ${table}`
    return present.length === 0 ? undefined : `it has ${present.join(', ')} already`
  })
}

function columnsIn(
  catalog: Catalog,
  table: string,
  columns: readonly string[],
): { readonly tableIsMissing: boolean; readonly present: string[]; readonly missing: string[] } {
  const found = tableOf(catalog, table)
  const alike = comparable(catalog)
  const names = new Set(found?.columns.map(({ name }) => alike(name)))
  const present = columns.filter((column) => names.has(alike(column)))
  return {
    tableIsMissing: found === undefined,
    present,
    missing: columns.filter((column) => !present.includes(column)),
  }
}

/** It is there, and in PostgreSQL it is not what a failed CREATE INDEX CONCURRENTLY left behind. */
export function indexValid(...indexes: readonly string[]): Condition {
  return named(`${indexes.join(', ')} valid`, async ({ catalog }) => {
    const found = await catalog()
    const alike = comparable(found)
    const all = new Map(found.tables.flatMap((table) => table.indexes.map((index) => [alike(index.name), index])))
    const missing = indexes.filter((index) => !all.has(alike(index)))
    const broken = indexes.filter((index) => all.get(alike(index))?.isValid === false)
    const said = [
      ...(missing.length === 0 ? [] : [`there is no ${missing.join(', ')}`]),
      ...(broken.length === 0
        ? []
        : [
            `${broken.join(', ')} is invalid: DROP INDEX CONCURRENTLY and build it again, or let concurrentIndex do it`,
          ]),
    ]
    return said.length === 0 ? undefined : said.join('; ')
  })
}

export function viewExists(view: string): Condition {
  return named(`view ${view} exists`, async ({ catalog }) => {
    const found = await catalog()
    const alike = comparable(found)
    return found.views.some(({ name }) => alike(name) === alike(view)) ? undefined : 'there is no such view'
  })
}
