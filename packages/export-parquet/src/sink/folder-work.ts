import { safeName } from '@drover/core'
import type { EncodedGroup } from '../encode/group-footer.js'
import { type GroupEntry, type PendingRows, sizeOf } from './journal.js'

/** A row group that stands in a part, or was just encoded. */
export type FilePart = GroupEntry | EncodedGroup

/** What a lane has for one folder. */
export interface FolderWork {
  readonly name: string
  readonly groups: GroupEntry[]
  readonly tail: readonly PendingRows[]
}

/** Neighbours whose rows that are in no row group take no more than that in memory, together; alone, they may. */
export function* chunksOf(folders: readonly FolderWork[], bytes: number): Iterable<FolderWork[]> {
  let chunk: FolderWork[] = []
  let held = 0
  for (const folder of folders) {
    const size = sizeOf(folder.tail).bytes
    if (chunk.length > 0 && held + size > bytes) {
      yield chunk
      chunk = []
      held = 0
    }
    chunk.push(folder)
    held += size
  }
  if (chunk.length > 0) yield chunk
}

/** Unique for a run, and the same whenever it is finished: `5b0a9a52-all-0001.parquet`. */
export function fileName(run: string, partition: string, number: number): string {
  const short = /^[0-9a-f]{8}(-|$)/.test(run) ? run.slice(0, 8) : safeName(run)
  return `${short}-${safeName(partition)}-${String(number).padStart(4, '0')}.parquet`
}
