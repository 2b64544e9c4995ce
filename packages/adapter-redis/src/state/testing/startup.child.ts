import { type Backfiller, backfillTask, from, memorySource, pipelineTask } from '@drover/core'
import { startInstance } from '@drover-internal/sql-tests/instance'
import { Redis } from 'ioredis'
import { redisSink } from '../../sink/redis-sink.js'
import { redisStateStore } from '../redis-state-store.js'

/** One of several instances of an application that start together: folder, connection. */
const [folder = '', connection = ''] = process.argv.slice(2)
const leaseMs = 1_000
const rows = 10_000

const records = Array.from({ length: rows }, (_, i) => ({ id: i + 1, content: `message ${i + 1}` }))
const client = new Redis(connection)

await using state = redisStateStore({ connection })
await startInstance({
  folder,
  state,
  tasks: (befall) => {
    const tokens: Backfiller = {
      name: 'tokens',
      async backfillBatch({ after, limit }) {
        const first = Number(after ?? 0) + 1
        const last = Math.min(first + limit - 1, rows)
        if (first <= 5_501 && last >= 5_501) await befall('tokens-stopped', 'SIGSTOP')
        const ids = Array.from({ length: last - first + 1 }, (_, i) => String(first + i))
        const found = await client.mget(ids.map((id) => `copy:${id}`))
        const counted = ids.map((id, i) => [id, String(found[i]?.length)] as const)
        await client.hset('tokens', new Map(counted))
        return { scanned: ids.length, changed: ids.length, cursor: last, done: last === rows }
      },
    }
    return [
      pipelineTask({
        name: 'copy',
        source: from(memorySource({ records, key: 'id' })).pipe(async (message) => {
          if (message.id === 3_501) await befall('copy-killed', 'SIGKILL')
          if (message.id === 7_501) await befall('copy-stopped', 'SIGSTOP')
          return message
        }),
        // A key that is there already would be refused: none is written twice.
        sink: redisSink({ connection, key: 'copy:{id}', as: 'string', value: 'content' }),
        batchSize: 1_000,
        leaseMs,
      }),
      backfillTask({ backfiller: tokens, batchSize: 1_000, leaseMs }),
    ]
  },
})
client.disconnect()
