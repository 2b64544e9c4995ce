import type { Reply } from '../../connection/raw-command.js'
import type { RedisNode } from '../../connection/redis-node.js'

/** Which process a server is; null if this user may not ask. */
export async function processOf(node: RedisNode): Promise<string | null> {
  const [info] = await node.pipeline('looking for keys', [['INFO', 'server']])
  return processIn(info)
}

/** What `INFO server` says of it. */
export function processIn(info: Reply | undefined): string | null {
  return info instanceof Buffer ? (/^run_id:(\w+)/m.exec(info.toString('latin1'))?.[1] ?? null) : null
}
