import { chunkField, columnField, groupField, locationField, offsetIndexField } from './metadata.js'
import { readThrift, type ThriftFields, type ThriftValue, writeThrift } from './thrift.js'
import { i64, optionalNumber, optionalStruct, structList, structsAt, withFields } from './thrift-fields.js'

/** Where the page indexes of a column stand. */
export interface IndexPlaces {
  readonly columnIndex: ByteRange | undefined
  readonly offsetIndex: ByteRange | undefined
}

export interface ByteRange {
  readonly at: number
  readonly length: number
}

/** A `RowGroup` whose column chunks stand `by` bytes further on. Places of page indexes are not touched. */
export function moveGroup(group: ThriftFields, by: number, what: string): ThriftFields {
  if (by === 0) return group
  const columns = structsAt(group, groupField.columns, what).map((column) => {
    const metadata = optionalStruct(column, columnField.metadata, what)
    if (metadata === undefined) return column
    const { dataPage, indexPage, dictionaryPage, bloomFilter } = chunkField
    const fields = moved(metadata, [dataPage, indexPage, dictionaryPage, bloomFilter], by, what)
    // Field 2 is deprecated, and 0 in what parquet-rs writes: "0 if no ColumnMetaData has been written outside the footer".
    return withFields(column, { [columnField.fileOffset]: i64(0), [columnField.metadata]: { kind: 'struct', fields } })
  })
  return withFields(moved(group, [groupField.fileOffset], by, what), { [groupField.columns]: structList(columns) })
}

/** An `OffsetIndex` whose pages stand `by` bytes further on. */
export function moveOffsetIndex(bytes: Uint8Array, by: number, what: string): Uint8Array {
  if (by === 0) return bytes
  const { fields } = readThrift(bytes, what)
  const locations = structsAt(fields, offsetIndexField.locations, what)
  return writeThrift(
    withFields(fields, {
      [offsetIndexField.locations]: structList(locations.map((it) => moved(it, [locationField.offset], by, what))),
    }),
  )
}

export function indexPlaces(column: ThriftFields, what: string): IndexPlaces {
  const range = (offsetId: number, lengthId: number): ByteRange | undefined => {
    const at = optionalNumber(column, offsetId, what)
    const length = optionalNumber(column, lengthId, what)
    return at === undefined || length === undefined || length <= 0 ? undefined : { at, length }
  }
  return {
    columnIndex: range(columnField.columnIndexOffset, columnField.columnIndexLength),
    offsetIndex: range(columnField.offsetIndexOffset, columnField.offsetIndexLength),
  }
}

export function withIndexPlaces(column: ThriftFields, { columnIndex, offsetIndex }: IndexPlaces): ThriftFields {
  return withFields(column, {
    [columnField.offsetIndexOffset]: offsetIndex && i64(offsetIndex.at),
    [columnField.offsetIndexLength]: offsetIndex && { kind: 'i32', value: offsetIndex.length },
    [columnField.columnIndexOffset]: columnIndex && i64(columnIndex.at),
    [columnField.columnIndexLength]: columnIndex && { kind: 'i32', value: columnIndex.length },
  })
}

function moved(fields: ThriftFields, ids: readonly number[], by: number, what: string): ThriftFields {
  const changes: Record<number, ThriftValue> = {}
  for (const id of ids) {
    const value = optionalNumber(fields, id, what)
    if (value !== undefined) changes[id] = i64(value + by)
  }
  return withFields(fields, changes)
}
