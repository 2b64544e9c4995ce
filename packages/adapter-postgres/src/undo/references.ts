import { quoteName } from '../connection/quote-name.js'
import type { Reference } from '../schema/references.js'
import { type ImageShape, keySql } from './image-shape.js'

/** The table from which some row refers to a row, as SQL; null if none does. Rows of the table itself that leave with it do not count. */
export function referrerSql(references: readonly Reference[], shape: ImageShape): string {
  const found = references.map(({ table, columns, refersTo, isOwn }) => {
    const equal = columns.map(
      (column, i) => `drover_f.${quoteName(column)} = ${quoteName(shape.name)}.${quoteName(refersTo[i] as string)}`,
    )
    const others = isOwn
      ? [`NOT EXISTS (SELECT FROM drover_u AS v WHERE v.key = ${keySql({ ...shape, name: 'drover_f' })})`]
      : []
    const exists = `EXISTS (SELECT FROM ${table} AS drover_f WHERE ${[...equal, ...others].join(' AND ')})`
    return `WHEN ${exists} THEN '${table.replaceAll("'", "''")}'`
  })
  return found.length === 0 ? 'NULL::text' : `CASE ${found.join(' ')} END`
}
