import { type RedisSentinels, startSentinels } from '@drover-internal/redis-server'
import { describeOwnRedis } from '@drover-internal/redis-server/vitest'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openRedis } from './open-redis.js'
import { locationName } from './redis-location.js'

const { signal } = new AbortController()
const opening = { where: 'test', signal, writes: true }

describeOwnRedis('a master that sentinels know', () => {
  let sentinels: RedisSentinels
  beforeAll(async () => {
    sentinels = await startSentinels({ replicas: 1 })
  })
  afterAll(async () => {
    await sentinels?.[Symbol.asyncDispose]()
  })

  it('is found, and so is the one after it', async () => {
    const { connection } = sentinels
    await using opened = await openRedis({ connection }, opening)
    expect(opened.name).toBe(`${sentinels.sentinels[0]?.host}:${sentinels.sentinels[0]?.port}/mymaster/0`)
    expect(locationName({ connection })).toBe(opened.name)
    const node = opened.nodeOf(0)
    await node.call('writing', 'SET', 'a', '0')
    const master = await sentinels.failover()
    await using direct = await openRedis({ connection: master.url }, opening)
    await expect
      .poll(
        async () => {
          await tried(node.call('writing', 'SET', 'b', '1'))
          return direct.nodeOf(0).call('reading', 'GET', 'b')
        },
        { timeout: 10_000 },
      )
      .toEqual(Buffer.from('1'))
  })

  it('of another name they do not know', async () => {
    const connection = { ...sentinels.connection, name: 'other' }
    await expect(openRedis({ connection }, opening)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/No such master with that name.*the name of the master/),
    })
  })

  it('is not a sentinel itself', async () => {
    const [sentinel] = sentinels.sentinels
    await expect(openRedis({ connection: sentinel?.url }, opening)).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringMatching(/is a sentinel: give connection: \{ sentinels:/),
    })
  })

  it('is not found where no sentinel answers but a server', async () => {
    const { host, port } = await sentinels.master()
    const connection = { sentinels: [{ host, port }], name: 'mymaster' }
    await expect(openRedis({ connection }, opening)).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      isRetryable: false,
      message: expect.stringContaining('No sentinel answers there'),
    })
  })

  it('is not found where all sentinels are gone', async () => {
    const connection = { ...sentinels.connection, connectTimeout: 500 }
    const [sentinel] = sentinels.sentinels
    await sentinel?.stop()
    await expect(openRedis({ connection }, opening)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      isRetryable: false,
      message: expect.stringMatching(
        /^Redis failed while connecting to .*\/mymaster: All sentinels are unreachable .*Check the sentinels/,
      ),
    })
  })
})

/** As the engine does: what can be tried again may fail. */
async function tried(work: Promise<unknown>): Promise<void> {
  await work.catch((error: { readonly isRetryable?: boolean }) => {
    if (error.isRetryable !== true) throw error
  })
}
