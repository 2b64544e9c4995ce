import { DroverError } from '@drover/core'
import type { RowGroupBuilder } from '../columns/row-group-builder.js'
import { bytesAt, openPart, type PendingRows } from './journal.js'

export interface JournalPlace {
  readonly output: string
  /** Holds the journals. */
  readonly folder: string
}

/** Reads rows back from the journals of a lane into a builder. @throws `STATE_INVALID` if they are not there */
export async function readPending(
  { output, folder }: JournalPlace,
  pending: readonly PendingRows[],
  builder: RowGroupBuilder,
): Promise<void> {
  const byPart = groupedBy(pending)
  for (const [part, entries] of byPart) {
    const handle = await openPart(`${folder}/${part}`, output)
    try {
      for (const { at, length } of entries) {
        const ipc = await bytesAt(handle, at, length)
        if (ipc.length < length) {
          throw new DroverError('STATE_INVALID', `${output}: ${part} in ${folder} is shorter than its manifest says.`)
        }
        builder.appendIpc(ipc)
      }
    } finally {
      await handle.close()
    }
  }
}

/** In the order in which they were written. */
function groupedBy(pending: readonly PendingRows[]): Map<string, PendingRows[]> {
  const byPart = new Map<string, PendingRows[]>()
  for (const entry of pending) {
    const entries = byPart.get(entry.part)
    if (entries === undefined) byPart.set(entry.part, [entry])
    else entries.push(entry)
  }
  return byPart
}
