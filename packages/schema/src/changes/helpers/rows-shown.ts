import type { Row } from '@drover/core'
import type { Steps } from '../../contracts/steps.js'

/** Rows that a message names at the most. */
const mostShown = 10

/**
 * `3 rows (id 1, id 2, id 7)`; undefined if there is none, and in a preview.
 *
 * @param from What follows FROM, condition included.
 * @param columns Quoted, of the key.
 */
export async function rowsShown(steps: Steps, from: string, columns: readonly string[]): Promise<string | undefined> {
  if (steps.isPreview) return undefined
  const chosen = columns.length === 0 ? '1 AS "a row"' : columns.join(', ')
  const order = columns.length === 0 ? '' : ` ORDER BY ${columns.join(', ')}`
  const rows = await steps.read(`SELECT ${chosen} FROM ${from}${order} LIMIT ${mostShown + 1}`)
  if (rows.length === 0) return undefined
  if (rows.length <= mostShown) return said(rows, rows.length, columns)
  const [counted] = await steps.read(`SELECT count(*) AS rows FROM ${from}`)
  return said(rows.slice(0, mostShown), Number(counted?.rows), columns)
}

function said(rows: readonly Row[], count: number, columns: readonly string[]): string {
  const total = count === 1 ? '1 row' : `${count} rows`
  if (columns.length === 0) return total
  const named = rows.map((row) =>
    Object.entries(row)
      .map(([name, value]) => `${name} ${String(value)}`)
      .join(' '),
  )
  return `${total} (${named.join(', ')}${count > rows.length ? ', …' : ''})`
}
