import type { PendingWrite } from '../records/checkpoint-record.js'

/** In the order in which a step's tasks write: by task path, task and index (`writes_sort_key` of langgraph-checkpoint). */
export function orderedWrites(writes: readonly PendingWrite[]): readonly PendingWrite[] {
  if (writes.length < 2) return writes
  return [...writes].sort((a, b) => compare(a.task_path, b.task_path) || compare(a.task_id, b.task_id) || a.idx - b.idx)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
