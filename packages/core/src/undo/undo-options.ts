import { checkFlag } from '../engine/run-options.js'
import { checkWholeNumber } from '../errors/check-options.js'

/** What sinks and backfills of databases are told about undo. */
export interface UndoOptions {
  /**
   * Keep what rows were before the run changed them, in the same transaction, so that the adapter's undo can take the run back.
   *
   * @default false
   */
  readonly undo?: boolean
  /** How many days that is kept; older images of any run go when a run with `undo` begins. @default 30 */
  readonly undoDays?: number
}

/** Names of the options, for those who have them among others. */
export const undoOptions = ['undo', 'undoDays'] as const

/** Before-images that nobody asked for within that many days are deleted. */
export const defaultUndoDays = 30

/** @throws `OPTION_INVALID` */
export function checkUndo(where: string, { undo, undoDays }: UndoOptions): void {
  checkFlag(where, 'undo', undo)
  checkWholeNumber(where, 'undoDays', undoDays, 1)
}
