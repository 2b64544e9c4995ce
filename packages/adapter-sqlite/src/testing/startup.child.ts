import { writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { backfillTask, DroverError, ensureFinished, from, onStartup, pipelineTask } from '@drover/core'
import { sqliteBackfill } from '../backfill/sqlite-backfill.js'
import { sqliteSink } from '../sink/sqlite-sink.js'
import { sqliteSource } from '../source/sqlite-source.js'
import { sqliteStateStore } from '../state/sqlite-state-store.js'

/** One of several instances of an application that start together: folder. It says what happens to it, a line each. */
const [folder = ''] = process.argv.slice(2)
const source = `${folder}/source.db`
const target = `${folder}/target.db`
const leaseMs = 1_000

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

async function interrupted(message: Message): Promise<Message> {
  if (message.id === 301) await befall('copy-killed', 'SIGKILL')
  if (message.id === 701) await befall('copy-stopped', 'SIGSTOP')
  return message
}

await using state = sqliteStateStore({ filename: target })
const silent = (): void => {}
const report = await onStartup({
  state,
  whenHeld: 'wait',
  timeoutMs: 60_000,
  drainOn: ['SIGTERM'],
  logger: { debug: silent, info: silent, warn: (text) => say({ warn: text }), error: (text) => say({ error: text }) },
  tasks: [
    pipelineTask({
      name: 'copy',
      source: from(sqliteSource<Message>({ filename: source, table: 'messages' })).pipe(interrupted),
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
await ensureFinished('tokens', { state })
say({
  finished: report.finished,
  tasks: report.tasks.map(({ name, status, worked, report: run }) => ({ name, status, worked, counts: run?.counts })),
})
const late = await ensureFinished('never', { state }).catch((error: unknown) => error)
say({ gate: DroverError.isInstance(late) ? late.code : String(late) })
