import type { ConnectOperation } from '@drover/core'
import type { Settings } from './parquet-sink-options.js'

/** What a session is made of: the sink's options with their defaults, and where it all is. */
export interface ParquetSessionOptions extends Omit<Settings, 'outputPath' | 'rowGroupRows' | 'manifest'> {
  /** As the user named it. */
  readonly output: string
  /** Absolute. */
  readonly path: string
  /** Folder of the finished files. */
  readonly root: string
  readonly staging: string
  readonly manifestPath: string | null
  readonly otherManifestPath: string | null
  /** Whether the file system takes `A` for `a`. */
  readonly folds: boolean
  readonly info: (message: string) => void
  readonly warn: ConnectOperation['warn']
}
