import { Redis } from 'ioredis'
import { type Member, withFleet } from './fleet.js'
import type { RedisServerOptions } from './redis-server.js'

export interface RedisClusterOptions extends RedisServerOptions {
  /** @default 3 */
  readonly masters?: number
  /** Of each master. @default 0 */
  readonly replicas?: number
}

/** A node of a cluster of tests. */
export interface ClusterNode extends Member {
  readonly id: string
  /** For what the test itself asks of it. It knows nothing of redirects. */
  readonly client: Redis
}

/** A Redis Cluster of our own, gone with its data when it is disposed of or this process ends. */
export interface RedisCluster extends AsyncDisposable {
  /** They share the slots equally, in their order. */
  readonly masters: readonly ClusterNode[]
  /** All replicas of the first master, then those of the second. */
  readonly replicas: readonly ClusterNode[]
  /** What `connection` takes. */
  readonly nodes: { readonly cluster: readonly { readonly host: string; readonly port: number }[] }
  /** Who has the slot, by the word of the first master. */
  ownerOf(slot: number): Promise<ClusterNode>
  /** Moves a slot with all its keys. */
  moveSlot(slot: number, to: ClusterNode): Promise<void>
  /** The slot is on its way from now on: what is not there any more is asked for at `to`. */
  beginMove(slot: number, to: ClusterNode): Promise<void>
  /** Moves so many keys of a slot that is on its way. @default all */
  moveKeys(slot: number, to: ClusterNode, count?: number): Promise<void>
  endMove(slot: number, to: ClusterNode): Promise<void>
}

const slots = 16_384

/** Starts servers and joins them. It takes about two seconds: so long a node waits until it trusts what it hears of the others. */
export async function startRedisCluster({
  masters: count = 3,
  replicas: followers = 0,
  settings,
  ...options
}: RedisClusterOptions = {}): Promise<RedisCluster> {
  return withFleet(async (fleet) => {
    const launch = async (): Promise<ClusterNode> => {
      const member = await fleet.launch({
        ...options,
        settings: { 'cluster-enabled': 'yes', 'cluster-node-timeout': 2000, ...settings },
      })
      const client = new Redis(member.url, {
        protocol: 2,
        retryStrategy: () => 50,
        ...(options.tls && { tls: { rejectUnauthorized: false } }),
      })
      client.on('error', () => {})
      return { ...member, client, id: String(await client.call('CLUSTER', 'MYID')) }
    }
    const all = await Promise.all(Array.from({ length: count * (1 + followers) }, launch))
    const masters = all.slice(0, count)
    const replicas = all.slice(count)
    await join(masters, replicas, followers)
    const byId = (id: string): ClusterNode => {
      const found = all.find((node) => node.id === id)
      if (found === undefined) throw new Error(`The cluster has no node ${id}.`)
      return found
    }
    const ownerOf = async (slot: number): Promise<ClusterNode> => {
      const ranges = (await masters[0]?.client.call('CLUSTER', 'SLOTS')) as [number, number, [string, number, string]][]
      const range = ranges.find(([from, to]) => slot >= from && slot <= to)
      return byId(String(range?.[2][2]))
    }
    const beginMove = async (slot: number, to: ClusterNode): Promise<void> => {
      const from = await ownerOf(slot)
      await to.client.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id)
      await from.client.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id)
    }
    const moveKeys = async (slot: number, to: ClusterNode, most = Number.POSITIVE_INFINITY): Promise<void> => {
      const from = await ownerOf(slot)
      for (let left = most; left > 0; ) {
        const keys = (await from.client.callBuffer('CLUSTER', 'GETKEYSINSLOT', slot, Math.min(left, 1000))) as Buffer[]
        if (keys.length === 0) return
        await from.client.call('MIGRATE', to.host, to.port, '', 0, 10_000, 'KEYS', ...keys)
        left -= keys.length
      }
    }
    const endMove = async (slot: number, to: ClusterNode): Promise<void> => {
      const from = await ownerOf(slot)
      const others = masters.filter((node) => node !== to && node !== from)
      for (const node of [to, from, ...others]) await node.client.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id)
      // Else a node that moves the next slot the other way may take an epoch that is used already, and both then take the slot for the other's.
      await until(masters, async ({ client }) => (await epochs(client)) === (await epochs(to.client)))
    }
    return {
      masters,
      replicas,
      nodes: { cluster: masters.map(({ host, port }) => ({ host, port })) },
      ownerOf,
      beginMove,
      moveKeys,
      endMove,
      async moveSlot(slot, to) {
        await beginMove(slot, to)
        await moveKeys(slot, to)
        await endMove(slot, to)
      },
      async [Symbol.asyncDispose]() {
        for (const { client } of all) client.disconnect()
        await fleet.end()
      },
    }
  })
}

async function join(
  masters: readonly ClusterNode[],
  replicas: readonly ClusterNode[],
  followers: number,
): Promise<void> {
  const [first] = masters
  if (first === undefined) throw new Error('A cluster has a master at the least.')
  const all = [...masters, ...replicas]
  const share = slots / masters.length
  await Promise.all(
    all.map(async (node, index) => {
      await node.client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1)
      if (node !== first) await node.client.call('CLUSTER', 'MEET', first.host, first.port)
      if (index >= masters.length) return
      const from = Math.round(index * share)
      const mine = Array.from({ length: Math.round((index + 1) * share) - from }, (_, at) => from + at)
      await node.client.call('CLUSTER', 'ADDSLOTS', ...mine)
    }),
  )
  await until(all, async ({ client }) => (await nodesKnown(client)) === all.length)
  await Promise.all(
    replicas.map((node, index) =>
      node.client.call('CLUSTER', 'REPLICATE', masters[Math.floor(index / followers)]?.id ?? ''),
    ),
  )
  await until(all, async ({ client }) => {
    const info = String(await client.call('CLUSTER', 'INFO'))
    return /cluster_state:ok/.test(info) && info.includes(`cluster_size:${masters.length}`)
  })
  await until(replicas, async ({ client }) => /master_link_status:up/.test(await client.info('replication')))
}

async function nodesKnown(client: Redis): Promise<number> {
  const lines = String(await client.call('CLUSTER', 'NODES'))
    .trim()
    .split('\n')
  return lines.filter((line) => !/handshake|noaddr/.test(line)).length
}

/** What a node knows of how new the claims of each are. */
async function epochs(client: Redis): Promise<string> {
  const lines = String(await client.call('CLUSTER', 'NODES'))
    .trim()
    .split('\n')
  return lines
    .map((line) => line.split(' '))
    .map(([id, , , , , , epoch]) => `${id} ${epoch}`)
    .sort()
    .join()
}

/** A cluster tells of itself by gossip: there is nothing to wait for but that it stands. */
async function until(
  nodes: readonly ClusterNode[],
  isSo: (node: ClusterNode) => Promise<boolean>,
  limitMs = 20_000,
): Promise<void> {
  const end = performance.now() + limitMs
  for (const node of nodes) {
    while (!(await isSo(node))) {
      if (performance.now() > end) throw new Error('The nodes of the cluster did not find each other.')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
