import type { FileHandle } from 'node:fs/promises'
import type { PlacedGroup } from './group-footer.js'

/** What the footer of an existing file says, as far as it takes to append to it. */
export interface FooterOfFile {
  readonly groups: readonly PlacedGroup[]
  readonly rows: number
  /** For `fileFooter`: columns, key-value metadata and writer as they are. */
  readonly schema: Uint8Array
  readonly keyValues: Readonly<Record<string, string>>
  /** Row groups that are added begin here: behind it are only page indexes and the footer, which are written anew. */
  readonly dataEnd: number
}

/**
 * Reads the footer and the page indexes of a Parquet file of `size` bytes. `name` is for messages.
 *
 * @throws `SOURCE_INVALID` for what is not Parquet, is cut short, encrypted, or has its columns in other files.
 */
export function readFooterOf(_handle: Pick<FileHandle, 'read'>, _size: number, _name: string): Promise<FooterOfFile> {
  throw new Error('not yet')
}

/** Why row groups of the columns of `ours` cannot be added to a file with those of `existing`, as a sentence; `null` if they can. */
export function schemaDifference(_existing: Uint8Array, _ours: Uint8Array): string | null {
  throw new Error('not yet')
}
