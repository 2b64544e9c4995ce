import type { AckSession, ExactSession, SinkOperation } from '@drover/core'
import { openRedis } from '../connection/open-redis.js'
import type { RedisLocation } from '../connection/redis-location.js'
import { refuseEviction } from '../state/eviction.js'
import type { StatePlace } from '../state/state-place.js'
import { ClusterWriter } from './cluster-writer.js'
import { Evictions } from './evictions.js'
import { ExactWriter } from './exact-writer.js'
import { SinkTarget, type TargetOptions } from './sink-target.js'

export interface SinkOpening {
  readonly location: RedisLocation
  readonly place: StatePlace
  readonly allowEviction: boolean
  readonly target: TargetOptions
}

/** Opens a server or cluster to write to, and a session over it. */
export async function connectSink<R extends object>(
  { location, place, allowEviction, target }: SinkOpening,
  operation: SinkOperation,
  kind: 'exact',
): Promise<ExactSession<R>>
export async function connectSink<R extends object>(
  opening: SinkOpening,
  operation: SinkOperation,
  kind: 'ack',
): Promise<AckSession<R>>
export async function connectSink<R extends object>(
  { location, place, allowEviction, target }: SinkOpening,
  { signal }: SinkOperation,
  kind: 'exact' | 'ack',
): Promise<ExactSession<R> | AckSession<R>> {
  const connection = await openRedis(location, { where: 'redisSink', signal, writes: true })
  try {
    const { hasJson, version } = connection.server
    const [major = 0] = version
    const form = new SinkTarget(target, { hasJson, countsEntries: major >= 7 })
    const evictions = await Evictions.begin(connection)
    if (kind === 'ack') return new ClusterWriter(connection, form, evictions) as AckSession<object> as AckSession<R>
    if (!allowEviction) await refuseEviction(connection, place, 'redisSink', 'SINK_NOT_READY')
    return new ExactWriter(connection, place, form, evictions) as ExactSession<object> as ExactSession<R>
  } catch (error) {
    await connection[Symbol.asyncDispose]()
    throw error
  }
}
