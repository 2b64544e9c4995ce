import { memorySource, memoryStateStore, runPipeline } from '@drover/core'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { expect, it } from 'vitest'
import { redisSink } from './redis-sink.js'

describeRedis('an integer beyond ±2^53 as a score', () => {
  const database = useRedis()
  const write = (score: bigint) =>
    runPipeline({
      name: `score ${score}`,
      source: memorySource({ records: [{ id: 1, members: [{ member: 'a', score }] }], key: 'id' }),
      sink: redisSink({
        connection: database.url,
        key: 'scores:{id}',
        as: 'zset',
        value: 'members',
        onConflict: 'update',
      }),
      state: memoryStateStore(),
    })

  it.each([
    [2n ** 60n, 2 ** 60],
    // How JSON has 2^60, and jsonb 1e300: in the fewest digits, and zeros.
    [1152921504606847000n, 2 ** 60],
    [-1152921504606847000n, -(2 ** 60)],
    [10n ** 300n, 1e300],
    [2n ** 63n, 2 ** 63],
  ])('%s is written where a double is meant by it', async (score, expected) => {
    expect(await write(score)).toMatchObject({ counts: { written: 1 } })
    expect(Number(await database.client.zscore('scores:1', 'a'))).toBe(expected)
  })

  it.each([[2n ** 53n + 1n], [1152921504606847001n], [10n ** 400n]])('%s is refused', async (score) => {
    await expect(write(score)).rejects.toMatchObject({ code: 'RECORD_REJECTED' })
  })
})
