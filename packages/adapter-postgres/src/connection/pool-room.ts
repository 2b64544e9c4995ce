import type { ConnectOperation } from '@drover/core'

/** A pool of the application, and how many connections it makes at the most, as far as it says so. */
export interface GivenRoom {
  readonly pool: object
  readonly max: number | undefined
}

/** For leases, claims and what is asked when something stands still. */
const spare = 2

interface Demand {
  reading: number
  writing: number
}

const demands = new WeakMap<object, Demand>()

/**
 * Notes that a session may hold a connection for each of its partitions, and warns at once where the pool has not so many together: else
 * partitions wait for each other until they give up, and the application waits for all of them.
 *
 * @param name Of the database, for the message.
 * @returns What takes the note back.
 */
export function reserveRoom(
  { pool, max }: GivenRoom,
  kind: keyof Demand,
  name: string,
  { lanes, warn }: ConnectOperation,
): () => void {
  if (max === undefined || lanes === undefined) return () => {}
  const demand = demands.get(pool) ?? { reading: 0, writing: 0 }
  demands.set(pool, demand)
  demand[kind] += lanes
  const { reading, writing } = demand
  const needed = reading + writing + spare
  // Who reads alone may do so one after the other; whoever writes tells of both.
  if (max < needed && (kind === 'writing' || max < reading)) {
    const partitions = [
      ...(reading > 0 ? [`${reading} to read by`] : []),
      ...(writing > 0 ? [`${writing} to write by`] : []),
    ].join(', ')
    warn?.({
      code: 'POOL_TOO_SMALL',
      message: `The pool that was given for ${name} makes ${max} ${max === 1 ? 'connection' : 'connections'} at the most, and the run may hold ${needed} of them at once (${partitions}, ${spare} for its state): raise its max to that and what the application needs, lower parallel, or give a URL, for which connections are made apart.`,
    })
  }
  return () => {
    demand[kind] -= lanes
  }
}
