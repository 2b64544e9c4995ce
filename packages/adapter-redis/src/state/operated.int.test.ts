import { join } from 'node:path'
import { describeRedis, useRedis } from '@drover-internal/redis-server/vitest'
import { operatedTests } from '@drover-internal/sql-tests/operated-tests'
import { redisStateStore } from './redis-state-store.js'

const program = join(import.meta.dirname, 'testing', 'operated.child.ts')

describeRedis('operated through Redis', () => {
  const database = useRedis()

  operatedTests(async () => ({
    program,
    parameters: [database.url],
    open: () => redisStateStore({ connection: database.url }),
    rows: async () => (await database.client.keys('row:*')).length,
    [Symbol.asyncDispose]: async () => {},
  }))
})
