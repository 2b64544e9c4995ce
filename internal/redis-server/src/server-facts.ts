import type { Redis } from 'ioredis'

/** 6, 7, …: what a test expects of a feature that not all servers have. Valkey answers as the Redis that it came from. */
export async function majorVersionOf(client: Redis): Promise<number> {
  const version = known.get(client) ?? Number(/^redis_version:(\d+)/m.exec(await client.info('server'))?.[1])
  known.set(client, version)
  return version
}

const known = new WeakMap<Redis, number>()

/** PEXPIRETIME, of a server of any version: milliseconds since 1970-01-01, -1 without an expiry, -2 without a key. */
export async function expiryTime(client: Redis, key: string): Promise<number> {
  if ((await majorVersionOf(client)) >= 7) return await client.pexpiretime(key)
  for (;;) {
    const replies = await client.multi().time().pttl(key).time().exec()
    const [[, before], [, left], [, after]] = replies as unknown as [[null, Clock], [null, number], [null, Clock]]
    if (left < 0) return left
    // Of one millisecond: then they can be added.
    if (milliseconds(before) === milliseconds(after)) return milliseconds(before) + left
  }
}

type Clock = readonly [number | string, number | string]

function milliseconds([seconds, micros]: Clock): number {
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000)
}
