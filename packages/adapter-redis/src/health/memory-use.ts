import type { HealthSignal } from '@drover/core'
import type { RedisNode } from '../connection/redis-node.js'
import { serverReport } from './server-report.js'
import type { SharedConnection } from './shared-connection.js'

const name = 'memory'

interface Use {
  readonly node: string
  readonly used: number
  /** 0 where there is none. */
  readonly limit: number
  readonly isLimited: boolean
}

/** The memory of the fullest server, as a share of what it may have. */
export function memoryUse(connection: SharedConnection, maxShare: number): HealthSignal {
  return {
    name,
    async check(operation) {
      const nodes = await connection.nodes(name, operation)
      const uses = await Promise.all(nodes.map(useOf))
      const share = ({ used, limit }: Use): number => (limit === 0 ? 0 : used / limit)
      const [worst] = uses.sort((a, b) => share(b) - share(a))
      if (worst === undefined || worst.limit === 0) return { load: 0, reason: 'memory without a limit that is known' }
      const of = worst.isLimited ? 'maxmemory' : 'the memory of its host'
      const where = nodes.length > 1 ? ` (${worst.node})` : ''
      return {
        load: share(worst) / maxShare,
        reason: `${percent(share(worst))} of ${of} of ${percent(maxShare)}${where}`,
      }
    },
    close: () => connection.close(name),
  }
}

async function useOf(node: RedisNode): Promise<Use> {
  const report = await serverReport(node, 'memory')
  const number = (field: string): number => Number(report.get(field) ?? 0)
  const isLimited = number('maxmemory') > 0
  return {
    node: node.name,
    // What waits for replicas and the append-only file does not count against the limit.
    used: number('used_memory') - (isLimited ? number('mem_not_counted_for_evict') : 0),
    limit: isLimited ? number('maxmemory') : number('total_system_memory'),
    isLimited,
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)}%`
}
