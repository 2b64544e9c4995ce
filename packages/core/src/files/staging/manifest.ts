import type { Partition, Position } from '../../contracts/position.js'
import type { JsonValue } from '../../contracts/values.js'

/** A file whose first `length` bytes are committed; what stands behind them counts for nothing. */
export interface Part {
  readonly name: string
  readonly length: number
  /** Bytes at its beginning that open the output: left out when another part stands before it. */
  readonly opener: number
  /** Which of several files that a session writes side by side; absent where there is one. */
  readonly kind?: string
}

/** Recognises a file again: another one, or the same with other contents, differs in one of these. */
export interface FileIdentity {
  readonly inode: string
  readonly size: number
  readonly modified: string
}

/** An output that was there when an incremental run began, and stays in front of what the run writes. */
export interface ExistingOutput extends FileIdentity {
  /** Bytes of it that stay: all but what closes it. */
  readonly length: number
}

/** A file that goes when a run begins, if it is still that file. */
export interface StaleFile extends FileIdentity {
  readonly number: number
}

/** All there is to know about one partition of an output: what it holds and where the run stands, in one file. */
export interface Manifest {
  readonly version: 1
  /** How the parts are written; parts of another format cannot be continued. */
  readonly format: string
  readonly run: string
  readonly partition: Partition
  readonly fence: number
  /** Null if nothing was committed yet. */
  readonly position: Position | null
  /** In the order of the output. With a file per batch: the last batch, until it has its final name. */
  readonly parts: readonly Part[]
  /** With a file per batch: how many files there are. */
  readonly files: number
  /** With a file per batch: files of an earlier run, which this one replaces. */
  readonly stale?: readonly StaleFile[]
  readonly existing?: ExistingOutput
  /** What else a format has to know of the partition: such as its columns. Gone once the output is in its place. */
  readonly details?: JsonValue
  /** What the assembled output is, written before it gets its final name. */
  readonly assembled?: FileIdentity
  /** The output is in its place; there are no parts any more. */
  readonly finished: boolean
  /** Runs that wrote here before: none of them may come back. Newest first. */
  readonly retired: readonly string[]
}

/** Undefined for what a crash left of a manifest: half of it, or nothing. */
export function parseManifest(text: string): Manifest | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && (value as Manifest).version === 1
      ? (value as Manifest)
      : undefined
  } catch {
    return undefined
  }
}
