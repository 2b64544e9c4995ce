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
