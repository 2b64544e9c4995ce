import { quoteName } from '../connection/quote-name.js'
import { codeSql, type ImageShape, keyParts } from './image-shape.js'

/** How rows of one shape are put back. */
export interface Restoring {
  /** Of the first images: what rows get back. */
  readonly shape: ImageShape
  /** Of the last ones: what must still be there. */
  readonly last: ImageShape
  /** The type of the first images, as SQL names it. */
  readonly type: string
  /** Columns that can be set: they are there, and the database does not make them by itself. */
  readonly columns: readonly string[]
  /** Gives the table that refers to a row, or null. */
  readonly referrer: string
}

/**
 * Locks the rows whose keys are the parameter. A foreign key waits for a row that is locked so; whoever has already referred to one is waited
 * for, and seen by the statement behind this one alone.
 */
export function lockSql(shape: ImageShape): string {
  const { table, name } = shape
  return `SELECT count(*) FROM (SELECT FROM unnest($1::text[]) AS drover_u (key) JOIN ${table} ON ${isRowSql(shape)} FOR UPDATE OF ${quoteName(name)}) AS drover_l`
}

/**
 * One statement that puts back what it can: parameters are keys, images and codes, each an array. It locks each row before it looks at
 * it, and gives one row for each: what became of it.
 */
export function restoreSql({ shape, last, type, columns, referrer }: Restoring): string {
  const { table, name, key } = shape
  const own = (column: string): string => `${quoteName(name)}.${quoteName(column)}`
  const isLocked = key.map((column, i) => `${own(column.name)} = drover_l.k${i}`).join(' AND ')
  const keys = key.map((column, i) => `${own(column.name)} AS k${i}`).join(', ')
  const sets = columns.map((column) => `${quoteName(column)} = (drover_l.image).${quoteName(column)}`)
  return `WITH drover_u AS MATERIALIZED (
      SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY AS u (key, image, after, at)),
    drover_l AS MATERIALIZED (
      SELECT drover_u.at, drover_u.image IS NULL AS inserted, drover_u.image::${type} AS image, ${codeSql(last)} = drover_u.after AS same,
        CASE WHEN drover_u.image IS NULL THEN ${referrer} END AS referrer, ${keys}
      FROM drover_u JOIN ${table} ON ${isRowSql(shape)} FOR UPDATE OF ${quoteName(name)}),
    drover_r AS (${
      sets.length === 0
        ? 'SELECT at FROM drover_l WHERE same AND NOT inserted'
        : `UPDATE ${table} SET ${sets.join(', ')} FROM drover_l WHERE ${isLocked} AND drover_l.same AND NOT drover_l.inserted RETURNING drover_l.at`
    }),
    drover_d AS (DELETE FROM ${table} USING drover_l
      WHERE ${isLocked} AND drover_l.same AND drover_l.inserted AND drover_l.referrer IS NULL RETURNING drover_l.at)
    SELECT (u.at - 1)::int AS place, l.referrer,
      CASE WHEN r.at IS NOT NULL THEN 'restored' WHEN d.at IS NOT NULL THEN 'deleted' WHEN l.at IS NULL THEN 'gone'
        WHEN NOT l.same THEN 'changed' WHEN l.referrer IS NOT NULL THEN 'referred' ELSE 'left' END AS fate
    FROM drover_u AS u LEFT JOIN drover_l AS l USING (at) LEFT JOIN drover_r AS r USING (at) LEFT JOIN drover_d AS d USING (at)`
}

/** When a row of the table is the one of an image. Names of one letter may be the table's own. */
function isRowSql(shape: ImageShape): string {
  const { name, key } = shape
  return keyParts(shape, 'drover_u.key')
    .map((part, i) => `${quoteName(name)}.${quoteName(key[i]?.name ?? '')} = ${part}`)
    .join(' AND ')
}

/** A type of rows as they were when the images were kept, for the time of the transaction. */
export function imageTypeSql(name: string, { columns }: ImageShape): string {
  return `CREATE TEMPORARY TABLE ${name} (${columns.map((column) => `${quoteName(column.name)} ${column.type}`).join(', ')}) ON COMMIT DROP`
}
