import { Redis } from 'ioredis'
import { type Member, withFleet } from './fleet.js'
import type { RedisServerOptions } from './redis-server.js'

export interface SentinelOptions extends RedisServerOptions {
  /** @default 1 */
  readonly replicas?: number
  /** @default 1 */
  readonly sentinels?: number
  /** How long the master may be silent until another takes its place. @default 500 */
  readonly downAfterMs?: number
}

/** A master, its replicas, and sentinels that watch them; gone when it is disposed of or this process ends. */
export interface RedisSentinels extends AsyncDisposable {
  /** What `connection` takes. */
  readonly connection: { readonly sentinels: { readonly host: string; readonly port: number }[]; readonly name: string }
  /** The first was the master at the beginning. */
  readonly servers: readonly Member[]
  readonly sentinels: readonly Member[]
  /** By the word of the first sentinel. */
  master(): Promise<Member>
  /** Makes a replica the master, as an administrator would, and waits until it is; the old one becomes a replica. */
  failover(): Promise<Member>
  /** Waits until another server than this one is the master: after it crashed. */
  masterAfter(server: Member): Promise<Member>
}

const name = 'mymaster'

export async function startSentinels({
  replicas = 1,
  sentinels: watchers = 1,
  downAfterMs = 500,
  ...options
}: SentinelOptions = {}): Promise<RedisSentinels> {
  return withFleet(async (fleet) => {
    const first = await fleet.launch(options)
    const others = await Promise.all(
      Array.from({ length: replicas }, () =>
        fleet.launch({ ...options, args: ['--replicaof', first.host, String(first.port), ...(options.args ?? [])] }),
      ),
    )
    const servers = [first, ...others]
    // What a sentinel does not see at its first look it sees ten seconds later.
    for (const other of others) await until(async () => (await replicationOf(other)).includes('master_link_status:up'))
    await until(async () => ((await replicationOf(first)).match(/state=online/g) ?? []).length === replicas)
    const sentinels = await Promise.all(
      Array.from({ length: watchers }, () =>
        fleet.launchSentinel([
          `sentinel monitor ${name} ${first.host} ${first.port} ${Math.floor(watchers / 2) + 1}`,
          `sentinel down-after-milliseconds ${name} ${downAfterMs}`,
          `sentinel failover-timeout ${name} 2000`,
        ]),
      ),
    )
    const [sentinel] = sentinels
    if (sentinel === undefined) throw new Error('There is a sentinel at the least.')
    const client = new Redis(sentinel.url, { protocol: 2, enableReadyCheck: false })
    client.on('error', () => {})
    const master = async (): Promise<Member> => {
      const [, port] = (await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name)) as [string, string]
      const found = servers.find((server) => server.port === Number(port))
      if (found === undefined) throw new Error(`No server has the port ${port}.`)
      return found
    }
    const masterAfter = async (server: Member): Promise<Member> => {
      await until(async () => (await master()) !== server)
      const now = await master()
      await until(async () => (await replicationOf(now)).includes('role:master'))
      return now
    }
    await until(async () => {
      const known = (await client.call('SENTINEL', 'REPLICAS', name)) as string[][]
      return known.filter((fields) => fields[fields.indexOf('master-link-status') + 1] === 'ok').length === replicas
    })
    return {
      connection: { sentinels: sentinels.map(({ host, port }) => ({ host, port })), name },
      servers,
      sentinels,
      master,
      masterAfter,
      async failover() {
        const before = await master()
        await client.call('SENTINEL', 'FAILOVER', name)
        return masterAfter(before)
      },
      async [Symbol.asyncDispose]() {
        client.disconnect()
        await fleet.end()
      },
    }
  })
}

async function replicationOf({ url }: Member): Promise<string> {
  const client = new Redis(url, { protocol: 2, enableReadyCheck: false })
  try {
    return await client.info('replication')
  } finally {
    client.disconnect()
  }
}

/** Sentinels tell of what they see by asking alone. */
async function until(isSo: () => Promise<boolean>, limitMs = 20_000): Promise<void> {
  const end = performance.now() + limitMs
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error('The sentinels did not come to a master.')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
