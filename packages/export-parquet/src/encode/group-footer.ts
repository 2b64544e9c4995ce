import { groupField } from './metadata.js'
import { type ByteRange, indexPlaces, moveGroup, moveOffsetIndex, withIndexPlaces } from './relocate.js'
import { readThrift, type ThriftFields, writeThrift } from './thrift.js'
import { numberAt, structList, structsAt, withFields } from './thrift-fields.js'

/**
 * What the footer of a file says of one row group, apart from where it stands: JSON that a journal holds until the file is finished.
 * All offsets are relative to the first byte of the group's column chunks.
 */
export interface GroupFooter {
  readonly rows: number
  /** Length of the column chunks. */
  readonly bytes: number
  /** Thrift `RowGroup` in base64. Its places of page indexes are relative to the first byte of `indexes`. */
  readonly group: string
  /** The page indexes (`ColumnIndex`, `OffsetIndex`) of all its columns, in base64. */
  readonly indexes: string
}

/** A row group, encoded: what is appended to a file, and what its footer will say of it. */
export interface EncodedGroup {
  readonly chunks: Uint8Array
  readonly rows: number
  readonly footer: GroupFooter
}

/** A row group in a file: its column chunks begin at byte `at`. */
export interface PlacedGroup {
  readonly footer: GroupFooter
  readonly at: number
}

/** The footer of a group as it stands in a file, its chunks in `chunks`, its page indexes read with `bytesAt`. */
export function groupFooter(
  group: ThriftFields,
  chunks: ByteRange,
  bytesAt: (range: ByteRange) => Uint8Array,
  what: string,
): GroupFooter {
  const indexes: Uint8Array[] = []
  let length = 0
  const keep = (bytes: Uint8Array): ByteRange => {
    indexes.push(bytes)
    length += bytes.length
    return { at: length - bytes.length, length: bytes.length }
  }
  const columns = structsAt(group, groupField.columns, what).map((column) => {
    const { columnIndex, offsetIndex } = indexPlaces(column, what)
    return withIndexPlaces(column, {
      columnIndex: columnIndex && keep(bytesAt(columnIndex)),
      offsetIndex: offsetIndex && keep(moveOffsetIndex(bytesAt(offsetIndex), -chunks.at, what)),
    })
  })
  const relative = moveGroup(withFields(group, { [groupField.columns]: structList(columns) }), -chunks.at, what)
  return {
    rows: numberAt(group, groupField.rows, what),
    bytes: chunks.length,
    group: Buffer.from(writeThrift(relative)).toString('base64'),
    indexes: Buffer.concat(indexes).toString('base64'),
  }
}

/** A column of a group that is put into a file, with its page indexes. */
export interface OpenColumn {
  readonly fields: ThriftFields
  readonly columnIndex: Uint8Array | undefined
  readonly offsetIndex: Uint8Array | undefined
}

/** A group as it will stand in a file; its columns apart, as their page indexes have no place yet. */
export interface OpenGroup {
  readonly fields: ThriftFields
  readonly columns: readonly OpenColumn[]
}

export function openGroup({ footer, at }: PlacedGroup): OpenGroup {
  const what = 'The footer of a row group'
  const fields = moveGroup(readThrift(Buffer.from(footer.group, 'base64'), what).fields, at, what)
  const indexes = Buffer.from(footer.indexes, 'base64')
  const bytesAt = ({ at, length }: ByteRange): Uint8Array => indexes.subarray(at, at + length)
  const columns = structsAt(fields, groupField.columns, what).map((column): OpenColumn => {
    const { columnIndex, offsetIndex } = indexPlaces(column, what)
    return {
      fields: column,
      columnIndex: columnIndex && bytesAt(columnIndex),
      offsetIndex: offsetIndex && moveOffsetIndex(bytesAt(offsetIndex), at, what),
    }
  })
  return { fields, columns }
}
