import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { expect, it } from 'vitest'
import { openRedis } from './open-redis.js'

const { signal } = new AbortController()

describeRedis('a connection', () => {
  const redis = useRedis()

  it('is opened by URL, by options and from a client', async () => {
    await redis.client.set('a', '1')
    const { host = '', port = 0 } = redis.client.options
    for (const connection of [redis.url, { host, port, db: redis.database }, redis.client]) {
      await using opened = await openRedis({ connection }, { where: 'test', signal, writes: true })
      const node = opened.nodeOf(0)
      expect(await node.call('reading', 'GET', 'a')).toEqual(Buffer.from('1'))
      expect(opened.name).toBe(`${host}:${port}/${redis.database}`)
    }
  })
})
