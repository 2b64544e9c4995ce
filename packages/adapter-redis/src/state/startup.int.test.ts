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

  it('do the work, though one is killed, and two sleep past their leases and wake up again', {
    timeout: 120_000,
  }, async () => {
    const has = (key: string, id: number) => async () => (await database.client.hexists(key, String(id))) === 1
    await startTogether({
      program,
      parameters: [folder, database.url],
      rows: 20_000,
      hasPassed: { 'copy-stopped': has('copies', 8_501), 'tokens-stopped': has('tokens', 6_501) },
    })
    const copies = Object.entries(await database.client.hgetall('copies'))
    expect(copies).toHaveLength(20_000)
    for (const [id, copy] of copies) expect(JSON.parse(copy)).toEqual({ id: Number(id), content: `message ${id}` })
    const tokens = Object.entries(await database.client.hgetall('tokens'))
    expect(tokens).toHaveLength(20_000)
    for (const [id, count] of tokens) expect(count).toBe(String(`message ${id}`.length))
  })
})
