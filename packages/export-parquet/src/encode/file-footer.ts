import type { PlacedGroup } from './group-footer.js'

/** What a Parquet file begins with. */
export const fileHeader: Uint8Array = new TextEncoder().encode('PAR1')

export interface FileDescription {
  /** From `GroupEncoder.schema`, or of a file that is appended to. */
  readonly schema: Uint8Array
  /** Key-value metadata; replaces what `schema` holds under the same key. */
  readonly keyValues?: Readonly<Record<string, string>>
  /** Length of the file so far: the footer stands there. */
  readonly at: number
}

/** All that comes behind the last column chunk: page indexes, metadata, its length, `PAR1`. `groups` in the order of the file; may be none. */
export function fileFooter(_groups: readonly PlacedGroup[], _file: FileDescription): Uint8Array {
  throw new Error('not yet')
}
