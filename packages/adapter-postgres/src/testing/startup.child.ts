import { backfillTask, from, pipelineTask } from '@drover/core'
import { startInstance } from '@drover-internal/sql-tests/instance'
import { postgresBackfill } from '../backfill/postgres-backfill.js'
import { postgresSink } from '../sink/postgres-sink.js'
import { postgresSource } from '../source/postgres-source.js'
import { postgresStateStore } from '../state/postgres-state-store.js'

/** One of several instances of an application that start together: folder, connection. */
const [folder = '', connection = ''] = process.argv.slice(2)
const leaseMs = 1_500

interface Message {
  readonly id: number
  readonly content: string
}

await using state = postgresStateStore({ connection })
await startInstance({
  folder,
  state,
  tasks: (befall) => [
    pipelineTask({
      name: 'copy',
      // In the middle of batches, with a transaction open that holds rows.
      source: from(postgresSource<Message>({ connection, table: 'messages' })).pipe(async (message) => {
        if (message.id === 3_501) await befall('copy-killed', 'SIGKILL')
        if (message.id === 7_501) await befall('copy-stopped', 'SIGSTOP')
        return message
      }),
      sink: postgresSink({ connection, table: 'copies', createTable: false }),
      batchSize: 1_000,
      leaseMs,
    }),
    backfillTask({
      backfiller: postgresBackfill<Message>({
        name: 'tokens',
        connection,
        table: 'copies',
        where: 'tokens IS NULL',
        reads: ['content'],
        sets: ['tokens'],
        set: async ({ id, content }) => {
          if (id === 5_501) await befall('tokens-stopped', 'SIGSTOP')
          return { tokens: content.length }
        },
        batchSize: 1_000,
      }),
      leaseMs,
    }),
  ],
})
