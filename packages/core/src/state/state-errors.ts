import type { Partition } from '../contracts/position.js'
import type { Lease } from '../contracts/state-store.js'
import { DroverError } from '../errors/drover-error.js'

/** A run is asked for by an id that the store does not hold. */
export function noSuchRun(run: string, where: string): DroverError {
  return new DroverError(
    'STATE_INVALID',
    `There is no run ${run} in ${where}. It completed and newer ones took its place, its state was deleted, or it lies in another store: pass that one, or start the run anew.`,
  )
}

/** A new run is to follow one that is gone. */
export function notFollowed(name: string, follows: string | null, where: string): DroverError {
  return new DroverError(
    'STATE_INVALID',
    `"${name}": ${follows === null ? 'its new run' : `the run ${follows}, which the new one is to follow,`} is no longer in ${where}. It was deleted meanwhile: call again.`,
  )
}

/** A lease that somebody else has now, or nobody. */
export function leaseLost(lease: Lease, holder: string | undefined): DroverError {
  const now = holder === undefined ? 'it was given back' : `${holder} has it now`
  return new DroverError(
    'LEASE_LOST',
    `The lease of partition "${lease.partition.id}" of run ${lease.run} is lost: ${now}. Leave the work to the process that has it.`,
  )
}

/** The error of a commit or claim that came too late. */
export function fenced(run: string, partition: Partition, why: string): DroverError {
  return new DroverError(
    'FENCED',
    `Partition "${partition.id}" of run ${run} was claimed by another process: ${why}. It does not count; leave the work to that process.`,
  )
}
