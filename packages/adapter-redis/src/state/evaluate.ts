import type { DroverError } from '@drover/core'
import type { Argument, Reply } from '../connection/raw-command.js'
import type { RedisConnection } from '../connection/redis-connection.js'
import { isAnswer } from '../connection/redis-node.js'
import type { Script } from '../connection/script.js'
import { redisError } from '../errors/redis-error.js'

/**
 * Runs a script where its keys are, which lie in one slot, also if that has moved, and sends it to a server that does not know it yet.
 *
 * @param named What the server's refusal is said as.
 * @throws DroverError
 */
export async function evaluate(
  connection: RedisConnection,
  doing: string,
  script: Script,
  keys: readonly [string, ...string[]],
  args: readonly Argument[],
  named = (error: Error): DroverError => redisError(error, `${doing} on ${connection.name}`),
): Promise<Reply> {
  const run = async (name: string, what: string): Promise<Reply> => {
    const key = Buffer.from(keys[0])
    const [reply] = await connection.pipeline(doing, [{ key, command: [name, what, keys.length, ...keys, ...args] }])
    return reply ?? null
  }
  let reply = await run('EVALSHA', script.digest)
  if (isAnswer(reply) && reply.message.startsWith('NOSCRIPT')) reply = await run('EVAL', script.text)
  if (reply instanceof Error) throw named(reply)
  return reply
}
