import type { Hash } from 'node:crypto'
import type { RowGroupBuilder } from '../columns/row-group-builder.js'
import type { EncodedGroup } from '../encode/group-footer.js'
import type { OutputPlan } from './details.js'
import type { RowGroupLimits } from './lane-batch.js'

/** What the session lends to who finishes an output. */
export interface FinishHelp {
  readonly limits: RowGroupLimits
  /** The columns, if they are settled already: by this session, or by an earlier one of the run. */
  readonly plan: () => OutputPlan | undefined
  readonly adopt: (plan: OutputPlan) => Promise<void>
  /** Whether rows of these columns may have been written: then they stay as they are. */
  readonly isWritten: () => boolean
  readonly createBuilder: () => RowGroupBuilder
  readonly encode: (ipc: Uint8Array, signal: AbortSignal) => Promise<EncodedGroup>
  /** For the footer. */
  readonly schema: (signal: AbortSignal) => Promise<Uint8Array>
  /** SHA-256 of the data part that this session wrote for a partition. */
  readonly hashOf: (partition: string) => Hash | undefined
  /** Told of what was made. */
  readonly made: (files: readonly { readonly bytes: number; readonly rowGroups: number }[]) => void
}
