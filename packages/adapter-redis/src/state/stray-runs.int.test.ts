import type { Claim } from '@drover/core'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { openRedis } from '../connection/open-redis.js'
import type { RedisConnection } from '../connection/redis-connection.js'
import { claimPosition, commitPosition } from './positions.js'
import { redisStateStore } from './redis-state-store.js'

const { signal } = new AbortController()
const counts = { read: 1, written: 1, filtered: 0, rejected: 0, emitted: 1, inserted: 0, updated: 1, skipped: 0 }
const strays = 'drover:v1:{drover}:strays'
const dayMs = 24 * 60 * 60 * 1000

describeRedis('positions of runs that are kept in another store', () => {
  const database = useRedis()
  let connection: RedisConnection
  beforeAll(async () => {
    connection = await openRedis({ connection: database.url }, { where: 'test', signal, writes: true })
  })
  afterEach(() => database.client.flushdb())
  afterAll(() => connection?.[Symbol.asyncDispose]())

  const claimOf = (run: string, id = 'all'): Claim => ({ run, partition: { id, bounds: null }, fence: 1 })

  /** As if it had been claimed that many days ago. */
  async function leave(run: string, { days, done }: { readonly days: number; readonly done: readonly boolean[] }) {
    for (const [i, isDone] of done.entries()) {
      const claim = claimOf(run, `p${i}`)
      await claimPosition(connection, {}, claim)
      await commitPosition(connection, {}, { ...claim, sequence: 1, cursor: i, done: isDone, counts })
    }
    const at = Date.now() - days * dayMs
    await database.client.hset(`drover:v1:{drover}:run:${run}`, 'claimedAt', at)
    await database.client.zadd(strays, String(at), run)
  }

  it('are forgotten 90 days after all of it was done, and else after a year', async () => {
    await leave('done', { days: 91, done: [true, true] })
    await leave('done lately', { days: 89, done: [true] })
    await leave('half done', { days: 91, done: [true, false] })
    await leave('half done last year', { days: 366, done: [true, false] })
    await claimPosition(connection, {}, claimOf('new'))
    expect((await database.client.zrange(strays, '0', '-1')).sort()).toEqual(['done lately', 'half done', 'new'])
    expect((await database.client.keys('*run:*')).sort()).toEqual(
      ['done lately', 'half done', 'new'].map((run) => `drover:v1:{drover}:run:${run}`),
    )
  })

  it('stay if one of them is claimed again after so long', async () => {
    await leave('old', { days: 400, done: [false] })
    expect(await claimPosition(connection, {}, claimOf('old', 'p0'))).toMatchObject({ sequence: 1 })
    await claimPosition(connection, {}, claimOf('new'))
    expect(await database.client.exists('drover:v1:{drover}:run:old')).toBe(1)
  })

  it('are none where the run is kept here', async () => {
    await using store = redisStateStore({ connection: database.url })
    const { run } = await store.open({ name: 'a', fingerprint: null, partitions: [], follows: null }, { signal })
    await claimPosition(connection, {}, claimOf(run))
    expect(await database.client.exists(strays)).toBe(0)
  })

  it('give way to one who claims with a higher fence only', async () => {
    expect(await claimPosition(connection, {}, { ...claimOf('r'), fence: 5 })).toBeNull()
    await expect(claimPosition(connection, {}, { ...claimOf('r'), fence: 4 })).rejects.toMatchObject({ code: 'FENCED' })
    const late = { ...claimOf('r'), fence: 4, sequence: 1, cursor: 1, done: false, counts }
    await expect(commitPosition(connection, {}, late)).rejects.toMatchObject({ code: 'FENCED' })
    await commitPosition(connection, {}, { ...late, fence: 5 })
    expect(await claimPosition(connection, {}, { ...claimOf('r'), fence: 6 })).toMatchObject({ fence: 6, sequence: 1 })
  })

  it('that nobody claimed take no commit', async () => {
    const commit = { ...claimOf('r'), sequence: 1, cursor: 1, done: false, counts }
    await expect(commitPosition(connection, {}, commit)).rejects.toMatchObject({ code: 'FENCED' })
    expect(await database.client.dbsize()).toBe(0)
  })
})
