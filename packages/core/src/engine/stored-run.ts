import type { Partition } from '../contracts/position.js'
import type { RunState } from '../contracts/state-store.js'
import type { JsonValue } from '../contracts/values.js'
import { isDeletes } from '../deletes/deletes-partition.js'
import { differences, refuseChange } from './fingerprint.js'
import type { Plan } from './plan.js'

/** What to do about the newest run of a name: go on with it, or begin a new one. */
export type RunChoice =
  | { readonly kind: 'resume'; readonly run: RunState }
  /** Another definition began the stored run, and it is to be left where it stands. */
  | { readonly kind: 'restart'; readonly abandoned: RunState }
  /** `null`: as the source partitions now. */
  | { readonly kind: 'begin'; readonly partitions: readonly Partition[] | null }

/** @throws `PIPELINE_CHANGED` */
export function chooseRun(stored: RunState | null, { name, fingerprint, options, again }: Plan): RunChoice {
  if (stored === null) return { kind: 'begin', partitions: null }
  const { whenChanged = 'refuse' } = options
  const isChanged = differences(stored.fingerprint, fingerprint).length > 0
  if (stored.status === 'open') {
    if (whenChanged === 'refuse') refuseChange(name, stored.fingerprint, fingerprint)
    if (whenChanged === 'restart' && isChanged) return { kind: 'restart', abandoned: stored }
    return { kind: 'resume', run: stored }
  }
  if (again !== 'incremental') return { kind: 'begin', partitions: null }
  // Cursors of one definition say nothing of where another would have ended.
  if (whenChanged === 'refuse') refuseChange(name, stored.fingerprint, fingerprint)
  if (whenChanged === 'restart' && isChanged) return { kind: 'begin', partitions: null }
  return { kind: 'begin', partitions: continuedPartitions(stored) }
}

/**
 * Whether a run begins to write all over again what a run of the name has written to the same sink. Before one has completed, nobody can say that rows
 * which are there are of this pipeline.
 */
export function isRepeated(stored: RunState | null, { sink }: Pick<Plan, 'sink'>): boolean {
  if (stored === null || (stored.status !== 'completed' && !stored.partitions.some(isDeletes))) return false
  const { sink: before } = Object(stored.fingerprint) as { readonly sink?: JsonValue }
  return before === sink || (typeof before === 'string' && before.startsWith(`${sink}@`))
}

/** Partitions of a run that begins where a completed one ended. */
function continuedPartitions(completed: RunState): Partition[] {
  const positions = completed.positions.length > 0 ? completed.positions : (completed.lastOutcome?.positions ?? [])
  return completed.partitions
    .filter((partition) => !isDeletes(partition))
    .map((partition) => {
      const cursor = positions.find((position) => position.partition.id === partition.id)?.cursor ?? partition.start
      return {
        id: partition.id,
        bounds: partition.bounds,
        ...(cursor === undefined || cursor === null ? {} : { start: cursor }),
      }
    })
}
