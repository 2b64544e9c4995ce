import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { startTogether } from '@drover-internal/sql-tests/start-together'
import { afterEach, beforeEach, expect, it } from 'vitest'

const program = join(import.meta.dirname, 'testing', 'startup.child.ts')

describeRedis('six instances that start together, their state in Redis', () => {
  const database = useRedis()
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'drover-startup-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('copy each key once, though one is killed, and two sleep past their leases and wake up again', {
    timeout: 110_000,
  }, async () => {
    const { client } = database
    await startTogether({
      program,
      parameters: [folder, database.url],
      rows: 10_000,
      hasPassed: {
        'copy-stopped': async () => (await client.exists('copy:8501')) === 1,
        'tokens-stopped': async () => (await client.hexists('tokens', '6501')) === 1,
      },
    })
    expect(await client.keys('copy:*')).toHaveLength(10_000)
    const ids = Array.from({ length: 10_000 }, (_, i) => i + 1)
    const copies = await client.mget(ids.map((id) => `copy:${id}`))
    expect(copies).toEqual(ids.map((id) => `message ${id}`))
    const tokens = Object.entries(await client.hgetall('tokens'))
    expect(tokens).toHaveLength(10_000)
    for (const [id, count] of tokens) expect(count).toBe(String(`message ${id}`.length))
  })
})
