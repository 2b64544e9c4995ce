import { type Cursor, DroverError, type JsonValue } from '@drover/core'
import type { FileSet } from './file-set.js'

/** Where to go on: how many records of which row group of which file were read. */
export interface ParquetCursor {
  readonly file: string
  readonly group: number
  readonly row: number
  /** Digest of the files from the beginning of the partition up to this one. */
  readonly set: string
}

/** Before a row group of a file. */
export interface Border {
  readonly file: string
  readonly group: number
  /** Of the file, if the border is inside of it. */
  readonly print: string | null
}

/** Bounds of a partition: null where it is open. */
export interface ParquetBounds {
  readonly from: Border | null
  readonly to: Border | null
}

/** The part of a set that a partition holds, by places in its list of files. */
export interface SetRange {
  readonly first: { readonly file: number; readonly group: number }
  /** The first row group behind it. */
  readonly end: { readonly file: number; readonly group: number }
}

export function cursorOf(cursor: Cursor): ParquetCursor {
  const { file, group, row, set } = (cursor ?? {}) as Partial<ParquetCursor>
  const isOurs =
    typeof file === 'string' && typeof set === 'string' && Number.isSafeInteger(group) && Number.isSafeInteger(row)
  if (isOurs) return cursor as unknown as ParquetCursor
  throw new DroverError('STATE_INVALID', 'The stored cursor is none that parquetSource made. Begin a new run.')
}

/** @throws `SOURCE_INVALID` if a file that a border stands in is gone, or another one */
export function rangeOf(set: FileSet, bounds: JsonValue): SetRange {
  const { from = null, to = null } = (bounds ?? {}) as Partial<ParquetBounds>
  return {
    first: from === null ? { file: 0, group: 0 } : placeOf(set, from),
    end: to === null ? { file: set.files.length, group: 0 } : placeOf(set, to),
  }
}

function placeOf(
  set: FileSet,
  { file: name, group, print }: Border,
): { readonly file: number; readonly group: number } {
  const same = set.files.findIndex((file) => file.name === name)
  if (same < 0 && set.isListed) throw changed(set, `${name} is gone`)
  const place = same < 0 ? set.files.findIndex((file) => file.name > name) : same
  const file = place < 0 ? set.files.length : place
  if (print === null) return { file, group: 0 }
  const found = set.files[file]
  if (found?.name === name && found.print === print) return { file, group }
  throw changed(set, `${name} ${found?.name === name ? 'is another file' : 'is gone'}`)
}

/** The files up to the cursor are those of which it was made. @throws `SOURCE_INVALID` */
export function resumeAt(
  set: FileSet,
  range: SetRange,
  cursor: ParquetCursor,
): { readonly file: number; readonly group: number } {
  const file = set.files.findIndex(({ name }) => name === cursor.file)
  if (file < 0) throw changed(set, `${cursor.file}, where it stands, is gone`)
  if (set.digest(range.first.file, file + 1) !== cursor.set) {
    throw changed(set, `${cursor.file}, where it stands, or a file before it, is another one, gone, or new`)
  }
  return { file, group: cursor.group }
}

function changed(set: FileSet, what: string): DroverError {
  return new DroverError(
    'SOURCE_INVALID',
    `${set.path} was changed since the run was begun: ${what}. Put it back, or begin a new run (again: 'full').`,
  )
}
