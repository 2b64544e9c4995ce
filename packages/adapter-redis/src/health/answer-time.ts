import type { HealthSignal } from '@drover/core'
import type { RedisNode } from '../connection/redis-node.js'
import type { SharedConnection } from './shared-connection.js'

const name = 'latency'

/** How long the slowest server takes to answer: the middle one of three, as one alone may have waited for this process. */
export function answerTime(connection: SharedConnection, maxMs: number): HealthSignal {
  return {
    name,
    async check(operation) {
      const nodes = await connection.nodes(name, operation)
      const times = await Promise.all(nodes.map(async (node) => ({ node: node.name, ms: await timeOf(node) })))
      const [worst] = times.sort((a, b) => b.ms - a.ms)
      const where = worst !== undefined && nodes.length > 1 ? ` (${worst.node})` : ''
      const ms = worst?.ms ?? 0
      return { load: ms / maxMs, reason: `latency ${ms.toFixed(1)} ms of ${maxMs} ms${where}` }
    },
    close: () => connection.close(name),
  }
}

async function timeOf(node: RedisNode): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < 3; i++) {
    const asked = performance.now()
    await node.call('waiting for an answer', 'PING')
    times.push(performance.now() - asked)
  }
  return times.sort((a, b) => a - b)[1] ?? 0
}
