import type { RedisRecord } from '@drover/adapter-redis'
import { expiryTime } from '@drover-internal/redis-server'
import { Redis } from 'ioredis'

/** A command by name and arguments. */
export type Command = readonly [name: string, ...args: (string | number)[]]

/** As many as a run of some hundred milliseconds moves. */
const flockSize = 1_500

const words = ['grüße', '日本語', '😀', "it's", '"quoted"', 'back\\slash', 'line\nfeed', '__proto__', 'a*b?c[d]', '']
const century = Date.UTC(2100, 0)

/** Commands that make keys of every kind, some of which expire one day, and some of which are read in parts. */
export function flock(random: () => number, count = flockSize): Command[] {
  const word = (): string => words[Math.floor(random() * words.length)] as string
  const several = (least: number, most: number): string[] =>
    Array.from({ length: least + Math.floor(random() * (most - least + 1)) }, (_, i) => `${i} ${word()}`)
  const score = (i: number): string => (random() < 0.05 ? '-inf' : random() < 0.5 ? String(i) : String(random() * 100))
  const commands: Command[] = []
  for (let i = 1; i <= count; i++) {
    const key = `checkpoint:${i}:${word()}`
    const large = i % 500 === 0
    switch (large ? 1 + ((i / 500) % 4) : i % 6) {
      case 0:
        commands.push(['SET', key, several(0, 5).join(word())])
        break
      case 1:
        commands.push([
          'HSET',
          key,
          ...several(large ? 11_000 : 1, large ? 11_000 : 8).flatMap((field) => [field, word()]),
          ...(i % 5 === 0 ? ['__proto__', word()] : []),
        ])
        break
      case 2:
        commands.push(['RPUSH', key, ...several(large ? 11_000 : 1, large ? 11_000 : 8).map(() => word())])
        break
      case 3:
        commands.push(['SADD', key, ...several(large ? 11_000 : 1, large ? 11_000 : 8)])
        break
      case 4:
        commands.push([
          'ZADD',
          key,
          ...several(large ? 11_000 : 1, large ? 11_000 : 8).flatMap((member, n) => [score(n), member]),
        ])
        break
      default:
        for (let entry = 1; entry <= 1 + (i % 4); entry++)
          commands.push(['XADD', key, `${i}-${entry}`, 'name', word(), 'name', word()])
        if (i % 2 === 0) commands.push(['XDEL', key, `${i}-1`])
        if (i % 3 === 0) {
          commands.push(['XGROUP', 'CREATE', key, 'readers', '0'])
          commands.push(['XREADGROUP', 'GROUP', 'readers', 'one', 'COUNT', 1, 'STREAMS', key, '>'])
        }
    }
    if (i % 5 === 0) commands.push(['PEXPIREAT', key, century + i])
  }
  return commands
}

export async function sendAll(client: Redis, commands: readonly Command[]): Promise<void> {
  for (let from = 0; from < commands.length; from += 1_000) {
    const pipeline = client.pipeline()
    for (const [name, ...args] of commands.slice(from, from + 1_000)) pipeline.call(name, ...args)
    for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error
  }
}

/** The keys whose names begin so, by another way than the source's. */
export async function keysAt(url: string, prefix: string): Promise<RedisRecord[]> {
  return await connected(url, async (client) => {
    const keys = new Set<string>()
    for await (const found of client.scanStream({ count: 1_000 }))
      for (const key of found as string[]) if (key.startsWith(prefix)) keys.add(key)
    return await Promise.all([...keys].map((key) => recordOf(client, key)))
  })
}

export async function connected<T>(url: string, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, { protocol: 2, maxRetriesPerRequest: null })
  try {
    return await work(client)
  } finally {
    client.disconnect()
  }
}

async function recordOf(client: Redis, key: string): Promise<RedisRecord> {
  const [type, expiresAt] = await Promise.all([client.type(key), expiryTime(client, key)])
  const expires_at = expiresAt < 0 ? null : new Date(expiresAt).toISOString()
  return { key, type, value: await readers[type as keyof typeof readers](client, key), expires_at } as RedisRecord
}

const readers = {
  string: (client: Redis, key: string) => client.get(key),
  hash: async (client: Redis, key: string) => fieldsOf(await client.call('hGetAll', key)),
  list: (client: Redis, key: string) => client.lrange(key, 0, -1),
  set: async (client: Redis, key: string) =>
    (await client.smembersBuffer(key)).sort(Buffer.compare).map((member) => member.toString()),
  async zset(client: Redis, key: string) {
    const found = (await client.call('ZRANGE', key, 0, -1, 'WITHSCORES')) as string[]
    return found.flatMap((member, i) => (i % 2 === 0 ? [{ member, score: scoreOf(String(found[i + 1])) }] : []))
  },
  async stream(client: Redis, key: string) {
    const info = fieldsOf(await client.call('XINFO', 'STREAM', key, 'FULL', 'COUNT', 0))
    const groups = (info.groups as unknown[]).map(fieldsOf)
    return {
      entries: (info.entries as [string, string[]][]).map(([id, found]) => ({ id, fields: pairsOf(found) })),
      lastId: info['last-generated-id'],
      maxDeletedId: info['max-deleted-entry-id'] ?? null,
      entriesAdded: info['entries-added'] ?? null,
      groups: groups.map((group) => ({
        name: group.name,
        lastDeliveredId: group['last-delivered-id'],
        entriesRead: group['entries-read'] ?? null,
        pending: (group.pel as [string, string, number, number][]).map(([id, consumer, deliveredAt, deliveries]) => ({
          id,
          consumer,
          deliveredAt,
          deliveries,
        })),
        consumers: (group.consumers as unknown[]).map((consumer) => fieldsOf(consumer).name),
      })),
    }
  },
}

function scoreOf(text: string): number {
  return text.endsWith('inf')
    ? text.startsWith('-')
      ? Number.NEGATIVE_INFINITY
      : Number.POSITIVE_INFINITY
    : Number(text)
}

function fieldsOf(flat: unknown): Record<string, unknown> {
  return Object.fromEntries(pairsOf(flat as unknown[]))
}

function pairsOf<T>(flat: readonly T[]): [string, T][] {
  return flat.flatMap((name, i) => (i % 2 === 0 ? [[String(name), flat[i + 1] as T] as [string, T]] : []))
}
