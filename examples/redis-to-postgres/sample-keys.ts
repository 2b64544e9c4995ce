import type { Redis } from 'ioredis'

/** Keys as an application has them, of six types; some expire. */
export async function writeSampleKeys(redis: Redis, users: number): Promise<void> {
  const now = Date.now()
  for (let from = 0; from < users; from += 500) {
    const pipeline = redis.pipeline()
    for (let n = from; n < Math.min(from + 500, users); n++) {
      pipeline.hset(`user:${n}`, { name: `Zoë № ${n}`, visits: n % 17, note: n % 5 === 0 ? '' : ' spaces stay ' })
      // Expiry is to the millisecond.
      pipeline.set(`session:${n}`, JSON.stringify({ user: n, cart: [n, 'é'], big: 2 ** 60 }))
      pipeline.pexpireat(`session:${n}`, now + 86_400_000 + n * 1_001)
      pipeline.zadd('leaderboard', n / 7, `user:${n}`)
      if (n % 10 === 0) pipeline.rpush(`jobs:${n}`, `{"job":${n}}`, 'again', 'again')
      if (n % 10 === 5) pipeline.sadd(`tags:${n}`, 'red', 'grün', `tag ${n}`)
      pipeline.xadd('events', '*', 'user', String(n), 'kind', n % 2 === 0 ? 'login' : 'logout')
    }
    await pipeline.exec()
  }
  await redis.expire('tags:5', 3_600)
  await redis.zadd('sizes', 2 ** 60, 'large', 1e300, 'larger', 0.1, 'a tenth', -1.5, 'none')
  // Somebody has read some of the events, and not acknowledged all of these.
  await redis.xgroup('CREATE', 'events', 'mailer', '0')
  await redis.xreadgroup('GROUP', 'mailer', 'worker-1', 'COUNT', 3, 'STREAMS', 'events', '>')
  const [[first = ''] = []] = await redis.xrange('events', '-', '+', 'COUNT', 1)
  await redis.xack('events', 'mailer', first)
}
