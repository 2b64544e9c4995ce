import { startRedis } from '@drover-internal/redis-server'
import { describeOwnRedis } from '@drover-internal/redis-server/vitest'
import { expect, it } from 'vitest'
import { openRedis } from './open-redis.js'

describeOwnRedis('another connection to a server that has answered before', () => {
  it('that fails because the server restarts is tried again', async () => {
    await using server = await startRedis()
    const { signal } = new AbortController()
    const opening = { where: 'test', signal, writes: false }
    await using connection = await openRedis({ connection: server.url }, opening)
    await server.crash()
    const node = connection.nodeOf(0)
    await expect(node.another(signal)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', isRetryable: true })
    // Who names a server where there is none has made a mistake.
    await expect(openRedis({ connection: server.url }, opening)).rejects.toMatchObject({ isRetryable: false })
    await server.start()
    const other = await node.another(signal)
    expect(String(await other.call('asking', 'PING'))).toBe('PONG')
    other.close()
  })
})
