import { backfillTask, from, pipelineTask } from '@drover/core'
import { startInstance } from '@drover-internal/sql-tests/instance'
import { sqliteBackfill } from '../backfill/sqlite-backfill.js'
import { sqliteSink } from '../sink/sqlite-sink.js'
import { sqliteSource } from '../source/sqlite-source.js'
import { sqliteStateStore } from '../state/sqlite-state-store.js'

/** One of several instances of an application that start together: folder. */
const [folder = ''] = process.argv.slice(2)
const source = `${folder}/source.db`
const target = `${folder}/target.db`
const leaseMs = 1_000

interface Message {
  readonly id: number
  readonly content: string
}

await using state = sqliteStateStore({ filename: target })
await startInstance({
  folder,
  state,
  tasks: (befall) => [
    pipelineTask({
      name: 'copy',
      source: from(sqliteSource<Message>({ filename: source, table: 'messages' })).pipe(async (message) => {
        if (message.id === 301) await befall('copy-killed', 'SIGKILL')
        if (message.id === 701) await befall('copy-stopped', 'SIGSTOP')
        return message
      }),
      sink: sqliteSink({ filename: target, table: 'messages' }),
      batchSize: 100,
      leaseMs,
    }),
    backfillTask({
      backfiller: sqliteBackfill<Message>({
        name: 'tokens',
        filename: target,
        table: 'messages',
        where: 'tokens IS NULL',
        reads: ['content'],
        sets: ['tokens'],
        set: async ({ id, content }) => {
          if (id === 501) await befall('tokens-stopped', 'SIGSTOP')
          return { tokens: content.length }
        },
        batchSize: 100,
      }),
      leaseMs,
    }),
  ],
})
