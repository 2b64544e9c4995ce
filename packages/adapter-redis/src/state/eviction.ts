import { DroverError, type ErrorCode } from '@drover/core'
import type { RedisConnection } from '../connection/redis-connection.js'
import { isAnswer } from '../connection/redis-node.js'
import { textOf } from './positions.js'
import { type StatePlace, stateKey } from './state-place.js'

/**
 * Refuses a server that would throw away positions, and fences, when its memory is full: a run would begin anew, and a process that was
 * overtaken could write again. Policies that evict only keys with a time to live are none: state has none.
 *
 * @param where For the message: `redisStateStore`.
 * @throws `code`
 */
export async function refuseEviction(
  connection: RedisConnection,
  place: StatePlace,
  where: string,
  code: ErrorCode,
): Promise<void> {
  const key = Buffer.from(stateKey(place, ''))
  const doing = 'asking for the eviction policy'
  const [reply] = await connection.pipeline(doing, [{ key, command: ['INFO', 'memory'] }])
  // Who may not ask cannot know.
  if (reply === undefined || isAnswer(reply)) return
  const info = textOf(reply) ?? ''
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1] ?? ''
  if (!policy.startsWith('allkeys-') || /^maxmemory:0\r?$/m.test(info)) return
  throw new DroverError(
    code,
    `${where}: ${connection.name} may evict any key (maxmemory-policy ${policy}), and with them the positions and fences of runs: what was written would be written again. Keep state in a server with noeviction or a volatile policy, or pass allowEviction: true if it never gets full.`,
  )
}
