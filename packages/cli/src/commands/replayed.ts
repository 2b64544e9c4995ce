import { DroverError, operate, type RunOverview, type StateStore } from '@drover/core'

/**
 * When all that the newest run of a name has rejected was sent again, and nothing was rejected once more; undefined as long as that is not so. What a
 * replay rejects is a letter again, which the next one takes: so it is the newest one that counts.
 */
export async function replayedAt(name: string, state: StateStore): Promise<Date | undefined> {
  const run = await overview(name, state)
  const replay = await overview(`${name} replay`, state)
  if (run?.completedAt === undefined || replay?.completedAt === undefined) return undefined
  const isOfRun = replay.startedAt >= run.completedAt
  return isOfRun && replay.counts.rejected === 0 ? replay.completedAt : undefined
}

async function overview(name: string, state: StateStore): Promise<RunOverview | undefined> {
  try {
    return await operate(state).status(name)
  } catch (error) {
    if (DroverError.isInstance(error, 'RUN_UNKNOWN')) return undefined
    throw error
  }
}
