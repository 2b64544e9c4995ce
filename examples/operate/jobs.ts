import { postgresBackfill, postgresHealth, postgresSink, postgresSource, postgresUndo } from '@drover/adapter-postgres'
import {
  type DryRunReport,
  dryRun,
  eventLoopDelay,
  type FlowBackfillOptions,
  from,
  type LiveRun,
  type PipelineOptions,
  type RunSettings,
  startBackfill,
  startPipeline,
  startReplay,
  type Verification,
  verify,
} from '@drover/core'

/** Work that an operator can begin, look at, check and take back. */
export interface Job {
  dryRun(): Promise<DryRunReport>
  /** @param settings To begin with; they can be changed while it runs. */
  start(settings: RunSettings): LiveRun
  verify?(): Promise<Verification>
  /** Sends what was rejected through the steps again. */
  replay?(): LiveRun
  undo(): LiveRun
}

export interface JobOptions {
  /** Of the database, as a string. */
  readonly connection: string
  /** A folder for dead letters. */
  readonly deadLetters: string
  /** Stands for a release in which a step was mended. */
  readonly release: { isMended: boolean }
}

interface Message extends Record<string, unknown> {
  readonly id: number
  readonly author: string | null
  readonly content: string
}

/** By name. The name of a job is that of its run. */
export function makeJobs(options: JobOptions): ReadonlyMap<string, Job> {
  return new Map([
    ['tokens', tokens(options)],
    ['notes', notes(options)],
  ])
}

/** Counts tokens in place, and keeps what was there before. */
function tokens({ connection }: JobOptions): Job {
  const options: FlowBackfillOptions = {
    backfiller: postgresBackfill<Message>({
      name: 'tokens',
      connection,
      table: 'messages',
      where: { token_count: { eq: 0 } },
      reads: ['content'],
      sets: ['token_count'],
      set: ({ content }) => ({ token_count: Math.max(1, Math.floor(content.length / 4)) }),
      batchSize: 200,
      undo: true,
    }),
    signals: [...postgresHealth({ connection, lockWaits: 5, activeTransactions: 50 }), eventLoopDelay({ maxMs: 250 })],
  }
  return {
    dryRun: () => dryRun(options),
    start: (settings) => startBackfill({ ...options, ...settings }),
    undo: () => startBackfill({ backfiller: postgresUndo({ connection, run: 'tokens' }) }),
  }
}

/** Copies messages into another table. Some have no author, which the step did not expect. */
function notes({ connection, deadLetters, release }: JobOptions): Job {
  const source = from(
    postgresSource<Message>({ connection, table: 'messages', columns: ['id', 'author', 'content'] }),
  ).pipe(({ id, author, content }) => {
    if (author === null && !release.isMended) throw new Error('a message without an author')
    return { id, title: `${author ?? 'nobody'}: ${content.slice(0, 20)}` }
  })
  const options = (): PipelineOptions<{ id: number; title: string }> => ({
    name: 'notes',
    source,
    sink: postgresSink({ connection, table: 'notes', key: 'id', undo: true }),
    maxRejected: 100,
    deadLetters,
  })
  return {
    dryRun: () => dryRun(options()),
    start: (settings) => startPipeline({ ...options(), ...settings }),
    verify: () => verify({ expected: source, actual: postgresSource({ connection, table: 'notes' }), key: 'id' }),
    replay: () => startReplay(options()),
    undo: () => startBackfill({ backfiller: postgresUndo({ connection, run: 'notes' }) }),
  }
}
