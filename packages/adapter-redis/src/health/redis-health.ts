import { checkOptionNames, checkWholeNumber, DroverError, type HealthSignal, shown } from '@drover/core'
import { checkLocation, locationOptions, type RedisLocation } from '../connection/redis-location.js'
import { answerTime } from './answer-time.js'
import { memoryUse } from './memory-use.js'
import { replicaLag } from './replica-lag.js'
import { SharedConnection } from './shared-connection.js'

/** Options of {@link redisHealth}. What is left out is not watched. Of a cluster the master counts that does worst. */
export interface RedisHealthOptions extends RedisLocation {
  /**
   * How much of its `maxmemory` a server may use, more than 0 and at most 1; of the memory of its host where it has no limit. A run that is
   * slowed down leaves time for others' keys to expire; it makes no room itself.
   */
  readonly maxMemoryShare?: number
  /** How long an answer may take, in milliseconds: it waits behind long commands and scripts, this run's own among them. */
  readonly maxLatencyMs?: number
  /**
   * How far the replica that is farthest behind may be behind, in milliseconds. Replicas tell once a second how far they are, so less than
   * two seconds says little.
   */
  readonly maxReplicaLagMs?: number
}

const limits = ['maxMemoryShare', 'maxLatencyMs', 'maxReplicaLagMs'] as const

/**
 * Signals that slow a run down while a Redis server has enough to do: one for each limit that is given, over one connection of their own.
 * Watch the server that is written to; one that the run only reads from can be watched besides. It needs the right to call INFO.
 *
 * @throws `OPTION_INVALID`
 *
 * @example
 * await runPipeline({
 *   name: 'warm-up',
 *   source,
 *   sink,
 *   signals: redisHealth({ connection: process.env.REDIS_URL, maxLatencyMs: 20, maxReplicaLagMs: 5_000 }),
 * })
 */
export function redisHealth(options: RedisHealthOptions): HealthSignal[] {
  const where = 'redisHealth'
  checkOptionNames(where, options, [...locationOptions, ...limits])
  checkLocation(where, options)
  const { maxMemoryShare, maxLatencyMs, maxReplicaLagMs } = options
  const isShare = typeof maxMemoryShare === 'number' && maxMemoryShare > 0 && maxMemoryShare <= 1
  if (maxMemoryShare !== undefined && !isShare) {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: maxMemoryShare is more than 0 and at most 1, not ${shown(maxMemoryShare)}.`,
    )
  }
  checkWholeNumber(where, 'maxLatencyMs', maxLatencyMs, 1)
  checkWholeNumber(where, 'maxReplicaLagMs', maxReplicaLagMs, 1)
  if (limits.every((name) => options[name] === undefined)) {
    throw new DroverError('OPTION_INVALID', `${where}: it watches nothing; give at least one of ${limits.join(', ')}.`)
  }
  const connection = new SharedConnection({ connection: options.connection })
  return [
    ...(maxMemoryShare === undefined ? [] : [memoryUse(connection, maxMemoryShare)]),
    ...(maxLatencyMs === undefined ? [] : [answerTime(connection, maxLatencyMs)]),
    ...(maxReplicaLagMs === undefined ? [] : [replicaLag(connection, maxReplicaLagMs)]),
  ]
}
