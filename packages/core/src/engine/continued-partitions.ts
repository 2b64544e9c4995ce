import type { Partition } from '../contracts/position.js'
import type { RunState } from '../contracts/state-store.js'

/** Partitions of a run that begins where a completed one ended. */
export function continuedPartitions(completed: RunState): Partition[] {
  const positions = completed.positions.length > 0 ? completed.positions : (completed.lastOutcome?.positions ?? [])
  return completed.partitions.map((partition) => {
    const cursor = positions.find((position) => position.partition.id === partition.id)?.cursor ?? partition.start
    return {
      id: partition.id,
      bounds: partition.bounds,
      ...(cursor === undefined || cursor === null ? {} : { start: cursor }),
    }
  })
}
