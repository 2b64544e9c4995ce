import type { ConnectOperation } from '@drover/core'
import type { ColumnTypes } from '../columns/plan-table.js'
import type { ParquetCompression } from '../encode/compression.js'
import type { RowGroupLimits } from './lane-batch.js'

/** What a session is made of: the sink's options with their defaults, and where it all is. */
export interface ParquetSessionOptions {
  /** As the user named it. */
  readonly output: string
  /** Absolute. */
  readonly path: string
  readonly kind: 'file' | 'folder'
  /** Folder of the finished files. */
  readonly root: string
  readonly staging: string
  readonly partitionBy: readonly string[]
  readonly compression: ParquetCompression
  readonly limits: RowGroupLimits
  readonly fileBytes: number
  readonly types: ColumnTypes
  readonly sampleRecords: number
  readonly onExisting: 'replace' | 'error' | 'append'
  readonly maxFolders: number
  readonly openFolders: number
  readonly manifestPath: string | null
  readonly otherManifestPath: string | null
  /** Whether the file system takes `A` for `a`. */
  readonly folds: boolean
  readonly info: (message: string) => void
  readonly warn: ConnectOperation['warn']
}
