import { DroverError } from '@drover/core'
import { quoteName } from '../connection/quote-name.js'
import { findColumn, type Table } from '../schema/table.js'
import { place } from './image-tables.js'

/** What an image holds, kept as JSON: first the key, then what the columns were, then what the run made of them. */
export interface ImageShape {
  readonly table: string
  readonly key: readonly string[]
  readonly columns: readonly string[]
}

/**
 * All of a table's rows but what they compute themselves.
 *
 * @param wanted The key that is asked for, if any is.
 * @param hasNulls Rows may have null in a key: SQLite lets nulls into primary keys, where the sink has no key by which it refuses them.
 * @throws `SINK_NOT_READY` if no key says which rows are which
 */
export function wholeRows(
  table: Table,
  wanted: readonly string[],
  { where, hasNulls }: { readonly where: string; readonly hasNulls: boolean },
): ImageShape {
  const own = table.primaryKey.length > 0 ? table.primaryKey : (table.uniqueKeys[0] ?? [])
  const rowid = table.rowid === null ? [] : [table.rowid]
  const key = [wanted, own, rowid].find((names) => names.length > 0 && isKey(table, names, hasNulls))
  if (key === undefined || table.kind !== 'table') {
    throw new DroverError(
      'SINK_NOT_READY',
      `${where} cannot be written with undo: it has no primary key, and no unique index over columns that cannot be null, by which rows would be found again. Give it one, or leave out undo.`,
    )
  }
  const columns = table.columns.filter(({ isGenerated }) => !isGenerated).map(({ name }) => name)
  return { table: table.name, key: [...key], columns }
}

function isKey(table: Table, names: readonly string[], hasNulls: boolean): boolean {
  const canBeNull = (name: string): boolean => findColumn(table.columns, name)?.isNullable === true
  if (hasNulls && names.some(canBeNull)) return false
  const has = (unique: readonly string[]): boolean =>
    unique.length > 0 && unique.every((name) => names.some((one) => findColumn(table.columns, one)?.name === name))
  return [table.primaryKey, ...table.uniqueKeys].some(has) || (names.length === 1 && names[0] === table.rowid)
}

/** How many values an image of that shape has. */
export function placesOf({ key, columns }: ImageShape): number {
  return key.length + 2 * columns.length
}

/** Places of the key. */
export function keyPlaces({ key }: ImageShape): string[] {
  return key.map((_, i) => place(i))
}

/** Where the column's value from before stands. */
export function beforePlace({ key }: ImageShape, i: number): string {
  return place(key.length + i)
}

/** Where the value stands that the run gave it. */
export function afterPlace({ key, columns }: ImageShape, i: number): string {
  return place(key.length + columns.length + i)
}

/** When a row, called `of`, is the one that an image, called `image`, is of. */
export function isRow(shape: ImageShape, of: string, image: string): string {
  return shape.key.map((name, i) => `${of}.${quoteName(name)} = ${image}.${place(i)}`).join(' AND ')
}

/** Whether all of the row is as the run left it: value, type and case. */
export function isSame(shape: ImageShape, of: string, image: string): string {
  const same = shape.columns.map((name, i) => {
    const [own, after] = [`${of}.${quoteName(name)}`, `${image}.${afterPlace(shape, i)}`]
    return `(${own} IS ${after} COLLATE BINARY AND typeof(${own}) = typeof(${after}))`
  })
  return same.length === 0 ? '1' : same.join(' AND ')
}
