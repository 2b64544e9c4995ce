import type { RedisNode } from '../connection/redis-node.js'

/** What a server says of itself in a section of INFO, by name. */
export async function serverReport(node: RedisNode, section: string): Promise<ReadonlyMap<string, string>> {
  const reply = await node.call(`asking for its ${section}`, 'INFO', section)
  const lines = String(reply).split(/\r?\n/)
  return new Map(
    lines.flatMap((line) => {
      const at = line.indexOf(':')
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const]
    }),
  )
}
