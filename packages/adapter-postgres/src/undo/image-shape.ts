import type { PostgresConnection } from '../connection/postgres-connection.js'
import { quoteName } from '../connection/quote-name.js'
import type { Column, Table } from '../schema/table.js'

/** What an image holds: of which table, which columns, and how a row of it is found again. Kept with the images as JSON. */
export interface ImageShape {
  /** As SQL names it. */
  readonly table: string
  /** Its own name, as SQL of ours calls it. */
  readonly name: string
  /** With its schema in front, as it is called. */
  readonly full: string
  readonly key: readonly ImageColumn[]
  /** In the order in which the image has them. */
  readonly columns: readonly ImageColumn[]
}

export interface ImageColumn {
  readonly name: string
  /** As SQL writes it. */
  readonly type: string
}

export function imageShape(
  { sql, name, schema }: Pick<Table, 'sql' | 'name' | 'schema'>,
  key: readonly Column[],
  columns: readonly Column[],
): ImageShape {
  return { table: sql, name, full: `${schema}.${name}`, key: key.map(imageColumn), columns: columns.map(imageColumn) }
}

function imageColumn({ name, native }: Column): ImageColumn {
  return { name, type: native }
}

/** Whole rows, but for what the database computes itself. */
export function wholeRow(table: Pick<Table, 'columns'>): readonly Column[] {
  return table.columns.filter(({ isGenerated }) => !isGenerated)
}

/** Whether triggers may change other columns of a row than an UPDATE sets: of the table, or of one of its partitions. */
export async function hasUpdateTriggers(connection: PostgresConnection, oid: number | null): Promise<boolean> {
  const { rows } = await connection.query(
    // Bits of tgtype: 1 for each row, 16 UPDATE (src/include/catalog/pg_trigger.h).
    `WITH RECURSIVE tables AS (
       SELECT $1::oid AS oid UNION SELECT inhrelid FROM pg_catalog.pg_inherits JOIN tables ON inhparent = tables.oid)
     SELECT FROM pg_catalog.pg_trigger JOIN tables ON tgrelid = tables.oid
     WHERE NOT tgisinternal AND tgenabled <> 'D' AND tgtype & 16 <> 0 LIMIT 1`,
    [oid],
  )
  return rows.length > 0
}

/** Schemas in which names are looked for, whoever is asking. */
export const schemasSql = `(SELECT coalesce(string_agg(quote_ident(s), ', '), '') FROM unnest(current_schemas(false)) AS s)`

/** The key of a row as one text. */
export function keySql({ name: table, key }: ImageShape): string {
  const texts = key.map(({ name }) => `${quoteName(table)}.${quoteName(name)}::text`)
  return texts.length === 1 ? (texts[0] as string) : `json_build_array(${texts.join(', ')})::text`
}

/** Columns of {@link keySql} out of that text, each of its type. */
export function keyParts({ key }: ImageShape, text: string): string[] {
  if (key.length === 1) return key.map(({ type }) => `${text}::${type}`)
  return key.map(({ type }, i) => `(${text}::json ->> ${i})::${type}`)
}

/** The row as a text that its columns' types read again without loss. */
export function rowSql({ name: table, columns }: ImageShape): string {
  return `ROW(${columns.map(({ name }) => `${quoteName(table)}.${quoteName(name)}`).join(', ')})::text`
}

/** A code of the row as it is, by which it is known whether somebody changed it since. */
export function codeSql(shape: ImageShape): string {
  return `hashtextextended(${rowSql(shape)}, 0)`
}
