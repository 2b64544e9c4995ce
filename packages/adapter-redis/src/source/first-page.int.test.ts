import type { Page } from '@drover/core'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { beforeAll, expect, it } from 'vitest'
import { redisSource } from './redis-source.js'

describeRedis('the first page, which may tell what records are like', () => {
  const database = useRedis()
  beforeAll(async () => {
    await database.client.mset(Object.fromEntries(Array.from({ length: 1500 }, (_, i) => [`small:${i}`, `${i}`])))
    const large = 'x'.repeat(100_000)
    await database.client.mset(Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`large:${i}`, large])))
  })

  async function pagesOf(keyPrefix: string, page: { records: number; bytes: number }): Promise<Page[]> {
    const operation = { signal: new AbortController().signal }
    await using session = await redisSource({ connection: database.url, keyPrefix, types: 'string' }).connect(operation)
    const pages: Page[] = []
    const partition = { id: 'all', bounds: null }
    for await (const one of session.read({ ...operation, partition, after: null, page })) pages.push(one)
    return pages
  }

  it.each([
    [1000, [1000, 500]],
    [2000, [1500]],
    [700, [700, 700, 100]],
  ])('has %i records, if there are as many', async (records, counts) => {
    const pages = await pagesOf('small:', { records, bytes: 1e6 })
    expect(pages.map(({ count }) => count)).toEqual(counts)
    expect(new Set(pages.flatMap((page) => page.rows().map(({ key }) => key))).size).toBe(1500)
  })

  it('ends where its bytes do', async () => {
    const pages = await pagesOf('large:', { records: 1000, bytes: 1e6 })
    expect(Math.max(...pages.map(({ bytes }) => bytes))).toBeLessThanOrEqual(1e6)
    expect(pages.reduce((sum, { count }) => sum + count, 0)).toBe(60)
  })
})
