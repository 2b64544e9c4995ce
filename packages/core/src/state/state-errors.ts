import type { Lease } from '../contracts/state-store.js'
import { DroverError } from '../errors/drover-error.js'

/** A run is asked for by an id that the store does not hold. */
export function noSuchRun(run: string, where: string): DroverError {
  return new DroverError(
    'STATE_INVALID',
    `There is no run ${run} in ${where}. Its state was deleted, or lies in another store: pass that one, or start the run anew.`,
  )
}

/** A new run is to follow one that is gone. */
export function notFollowed(name: string, follows: string, where: string): DroverError {
  return new DroverError(
    'STATE_INVALID',
    `"${name}": the run ${follows} that the new one is to follow is no longer in ${where}. Its state was deleted meanwhile: call again.`,
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
