import { writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { backfillTask, from, onStartup, pipelineTask } from '@drover/core'
import { postgresBackfill } from '../backfill/postgres-backfill.js'
import { postgresSink } from '../sink/postgres-sink.js'
import { postgresSource } from '../source/postgres-source.js'
import { postgresStateStore } from '../state/postgres-state-store.js'

/** One of several instances of an application that start together: folder, connection. It says what happens to it, a line each. */
const [folder = '', connection = ''] = process.argv.slice(2)
const leaseMs = 1_500

const say = (what: object): void => void writeSync(1, `${JSON.stringify(what)}\n`)

/** What befalls whichever instance comes first to a place, and no other one. */
async function befall(place: string, signal: 'SIGKILL' | 'SIGSTOP'): Promise<void> {
  try {
    await (await open(`${folder}/${place}`, 'wx')).close()
  } catch {
    return
  }
  say({ place, signal })
  process.kill(process.pid, signal)
}

interface Message {
  readonly id: number
  readonly content: string
}

/** In the middle of batches, with a transaction open that holds rows. */
async function interrupted(message: Message): Promise<Message> {
  if (message.id === 3_501) await befall('copy-killed', 'SIGKILL')
  if (message.id === 7_501) await befall('copy-stopped', 'SIGSTOP')
  return message
}

await using state = postgresStateStore({ connection })
const silent = (): void => {}
const report = await onStartup({
  state,
  whenHeld: 'wait',
  timeoutMs: 90_000,
  drainOn: ['SIGTERM'],
  logger: { debug: silent, info: silent, warn: (text) => say({ warn: text }), error: (text) => say({ error: text }) },
  tasks: [
    pipelineTask({
      name: 'copy',
      source: from(postgresSource<Message>({ connection, table: 'messages' })).pipe(interrupted),
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
say({
  finished: report.finished,
  tasks: report.tasks.map(({ name, status, worked, report: run }) => ({ name, status, worked, counts: run?.counts })),
})
