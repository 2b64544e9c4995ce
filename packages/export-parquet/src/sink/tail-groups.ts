import { abortError } from '@drover/core'
import type { EncodedGroup } from '../encode/group-footer.js'
import type { FinishHelp } from './finish-help.js'
import type { PendingRows } from './journal.js'
import { type JournalPlace, readPending } from './read-pending.js'

/** Makes row groups of the rows that are in none when a run ends. */
export async function* tailGroups(
  help: FinishHelp,
  place: JournalPlace,
  pending: readonly PendingRows[],
  signal: AbortSignal,
): AsyncGenerator<EncodedGroup, void, undefined> {
  const builder = help.createBuilder()
  for (const [i, rows] of pending.entries()) {
    if (signal.aborted) throw abortError(signal)
    await readPending(place, [rows], builder)
    const isFull = builder.rows >= help.limits.rows || builder.bytes >= help.limits.bytes
    if (!isFull && i + 1 < pending.length) continue
    const ipc = builder.toIpc()
    builder.clear()
    yield await help.encode(ipc, signal)
  }
}
