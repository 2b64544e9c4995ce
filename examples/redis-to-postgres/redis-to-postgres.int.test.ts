import { describePostgres, useDatabase } from '@drover-internal/postgres-server/vitest'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import type { Redis } from 'ioredis'
import { expect, it } from 'vitest'
import { writeSampleKeys } from './sample-keys.js'
import { compare, toPostgres, toRedis } from './there-and-back.js'

describeRedis('Redis to PostgreSQL and back', () => {
  describePostgres('(with a PostgreSQL)', () => {
    const database = useDatabase()
    const [here, there] = [useRedis(), useRedis()]

    it('gives each key again, of the same type, with the same value, expiring at the same moment', async () => {
      await writeSampleKeys(here.client, 300)
      const places = { redis: here.url, postgres: database.url, copy: there.url }
      const keys = await here.client.dbsize()

      expect(await toPostgres(places)).toMatchObject({
        status: 'completed',
        guarantee: 'exactly-once',
        counts: { read: keys, inserted: keys },
      })
      const columns = await database.query(`
        SELECT column_name AS name, data_type AS type FROM information_schema.columns
        WHERE table_name = 'redis_keys' ORDER BY ordinal_position`)
      expect(columns).toEqual([
        { name: 'key', type: 'text' },
        { name: 'type', type: 'text' },
        { name: 'value', type: 'jsonb' },
        { name: 'expires_at', type: 'timestamp with time zone' },
      ])
      // It is data that can be asked, not a blob.
      expect(
        await database.query(`
          SELECT value ->> 'name' AS name, (value ->> 'visits')::int AS visits FROM redis_keys WHERE key = 'user:20'`),
      ).toEqual([{ name: 'Zoë № 20', visits: 3 }])

      expect(await toRedis(places)).toMatchObject({
        status: 'completed',
        guarantee: 'exactly-once',
        counts: { read: keys, inserted: keys },
      })
      expect(await compare(places)).toMatchObject({ equal: true, expected: { rows: keys }, actual: { rows: keys } })
      expect(await contentsOf(there.client)).toEqual(await contentsOf(here.client))

      // The comparison finds what is another value, and what never expires.
      await there.client.hset('user:7', 'visits', '8')
      await there.client.persist('session:3')
      await there.client.del('tags:5')
      expect(await compare(places)).toMatchObject({ equal: false, different: 2, missing: 1, extra: 0 })
    })
  })
})

/** All that is in a database but Drover's own, asked of Redis without Drover. */
async function contentsOf(redis: Redis): Promise<Map<string, unknown>> {
  const keys = (await redis.keys('*')).filter((key) => !key.includes('drover:v1:')).toSorted()
  return new Map(
    await Promise.all(
      keys.map(async (key): Promise<[string, unknown]> => {
        const [type, expiry] = await Promise.all([redis.type(key), redis.pexpiretime(key)])
        return [key, { type, expiry, value: await heldBy(redis, key, type) }]
      }),
    ),
  )
}

async function heldBy(redis: Redis, key: string, type: string): Promise<unknown> {
  switch (type) {
    // The bytes of the whole value, with the version of the format and a checksum: the same for the same contents in the same order.
    case 'string':
    case 'list':
      return redis.dumpBuffer(key)
    case 'hash':
      return redis.hgetall(key)
    case 'set':
      return (await redis.smembers(key)).toSorted()
    case 'zset':
      return redis.zrange(key, '0', '-1', 'WITHSCORES')
    default: {
      const info = await redis.call('XINFO', 'STREAM', key, 'FULL')
      return [await redis.xrange(key, '-', '+'), steady(info)]
    }
  }
}

/** Without what says how the server stores a stream, and when somebody last looked for work. */
function steady(info: unknown): unknown {
  if (!Array.isArray(info)) return info
  const own = ['radix-tree-keys', 'radix-tree-nodes', 'seen-time', 'active-time', 'length']
  return info.filter((_, i) => !own.includes(String(info[i])) && !own.includes(String(info[i - 1]))).map(steady)
}
