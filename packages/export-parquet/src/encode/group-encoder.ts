import type { LogicalType } from '@drover/core'
import type { ParquetCompression } from './compression.js'
import type { EncodedGroup } from './group-footer.js'

export interface GroupEncoderOptions {
  readonly compression: ParquetCompression
  /** A `TablePlan`: which columns hold UUIDs and JSON. */
  readonly plan: { readonly columns: readonly { readonly name: string; readonly type: LogicalType }[] }
  /** Told once, as a sentence, if the worker thread cannot be started and row groups are encoded on the application's thread. */
  readonly onNotice?: (notice: string) => void
}

/** Encodes row groups in a worker thread, one after the other, whoever asks. */
export class GroupEncoder {
  constructor(protected readonly options: GroupEncoderOptions) {}

  /** `ipc`: an Arrow IPC stream of at least one row; its memory is transferred if it has a buffer of its own. */
  encode(_ipc: Uint8Array, _signal?: AbortSignal): Promise<EncodedGroup> {
    throw new Error('not yet')
  }

  /** What the footer of a file says of its columns: `schema` for `fileFooter`. `ipc`: an Arrow IPC stream without rows. */
  schema(_ipc: Uint8Array, _signal?: AbortSignal): Promise<Uint8Array> {
    throw new Error('not yet')
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
