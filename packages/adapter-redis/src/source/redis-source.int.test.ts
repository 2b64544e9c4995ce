import type { ConnectOperation, Page, Source, Warning } from '@drover/core'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { expect, test } from 'vitest'
import { redisSource } from './redis-source.js'

const whole = { id: 'all', bounds: null }

/** All pages of a source, and what it warned of. */
async function readAll<R>(source: Source<R>, connecting: Partial<ConnectOperation> = {}) {
  const warnings: Warning[] = []
  const signal = new AbortController().signal
  await using session = await source.connect({ signal, warn: (warning) => void warnings.push(warning), ...connecting })
  const pages: Page<R>[] = []
  for await (const page of session.read({
    signal,
    partition: whole,
    after: null,
    page: { records: 100, bytes: 1e6 },
  })) {
    pages.push(page)
  }
  const records = pages.flatMap((page) => page.rows())
  return { pages, records, warnings }
}

describeRedis('redisSource', () => {
  const database = useRedis()

  test('reads the keys that begin with the prefix, and no others', async () => {
    await database.client.mset('checkpoint:1', 'one', 'checkpoint:2', 'two', 'other:1', 'three')
    const { records } = await readAll(redisSource({ connection: database.url }))
    expect(records.map(({ key, type, value, expires_at }) => [key, type, value, expires_at]).sort()).toEqual([
      ['checkpoint:1', 'string', 'one', null],
      ['checkpoint:2', 'string', 'two', null],
    ])
  })
})
