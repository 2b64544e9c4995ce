import type { HealthSignal } from '@drover/core'
import type { RedisNode } from '../connection/redis-node.js'
import { serverReport } from './server-report.js'
import type { SharedConnection } from './shared-connection.js'

const name = 'replica lag'

/** How far a master's log had come when. */
interface Mark {
  readonly at: number
  readonly written: number
}

interface Lag {
  readonly ms: number
  readonly replica: string
}

const mostMarks = 1_000

/** The lag of the replica that is farthest behind. */
export function replicaLag(connection: SharedConnection, maxMs: number): HealthSignal {
  /** By master. */
  const marks = new Map<string, Mark[]>()
  return {
    name,
    async check(operation) {
      const nodes = await connection.nodes(name, operation)
      const lags = (await Promise.all(nodes.map((node) => lagsOf(node, marks)))).flat()
      const worst = lags.sort((a, b) => b.ms - a.ms)[0] ?? { ms: 0, replica: '' }
      const who = worst.replica === '' ? ', no replica is connected' : ` (${worst.replica})`
      return { load: worst.ms / maxMs, reason: `replica lag ${seconds(worst.ms)} of ${seconds(maxMs)}${who}` }
    },
    async close() {
      marks.clear()
      await connection.close(name)
    },
  }
}

/**
 * Replicas tell once a second how far they are, in bytes of the log. What a server calls `lag` is how long ago one told it, not how far it
 * is behind: https://redis.io/docs/latest/commands/info/
 */
async function lagsOf(node: RedisNode, marks: Map<string, Mark[]>): Promise<readonly Lag[]> {
  const report = await serverReport(node, 'replication')
  const at = performance.now()
  const written = Number(report.get('master_repl_offset') ?? 0)
  const replicas = [...report].flatMap(([field, value]) => (/^slave\d+$/.test(field) ? [replicaOf(value)] : []))
  const known = replicas.filter(({ isOnline }) => isOnline)
  const before = marks.get(node.name) ?? []
  // Another one may be the master by now, whose log begins anew.
  const kept = (before.at(-1)?.written ?? 0) > written ? [] : before
  const oldest = Math.min(...known.map(({ replayed }) => replayed))
  // What all of them have is no lag any more.
  const now = [...kept, { at, written }].filter((mark) => mark.written > oldest).slice(-mostMarks)
  marks.set(node.name, now)
  return known.map(({ name, replayed }) => {
    const first = now.find((mark) => mark.written > replayed)
    return { replica: name, ms: first === undefined ? 0 : at - first.at }
  })
}

/** `ip=10.0.0.7,port=6379,state=online,offset=4711,lag=1` */
function replicaOf(value: string): { readonly name: string; readonly isOnline: boolean; readonly replayed: number } {
  const fields = new Map(value.split(',').map((pair) => pair.split('=', 2) as [string, string]))
  return {
    name: `${fields.get('ip')}:${fields.get('port')}`,
    isOnline: fields.get('state') === 'online',
    replayed: Number(fields.get('offset') ?? 0),
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`
}
