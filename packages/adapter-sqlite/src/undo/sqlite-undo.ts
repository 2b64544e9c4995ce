import {
  checkOptionNames,
  checkText,
  checkWholeNumber,
  type ExactSession,
  type FlowBackfill,
  from,
  type Row,
  type SinkOperation,
} from '@drover/core'
import { locationName, locationOptions } from '../connection/open-sqlite.js'
import { connectExactWriter, type ExactWriterOptions } from '../sink/connect-sink.js'
import { locationOf } from '../sink/location-of.js'
import { stateStoreWithin } from '../state/sqlite-state-store.js'
import { checkTablePrefix } from '../state/state-tables.js'
import { checkWritable, type WriterLocation } from '../writer/open-writer.js'
import { imageTables } from './image-tables.js'
import { imagesSource } from './images-source.js'
import { overriding } from './overriding.js'
import { UndoTarget } from './undo-target.js'
import { undoneRun } from './undone-run.js'

/** Options of {@link sqliteUndo}. */
export interface SqliteUndoOptions extends WriterLocation {
  /** The id of a run, or the name of a pipeline or backfill: its newest run. */
  readonly run: string
  /** What the names of the tables begin with that keep the positions. @default 'drover_' */
  readonly tablePrefix?: string
  /** Rows that are put back in one transaction. @default 10000 */
  readonly batchSize?: number
}

const defaultBatchSize = 10_000

/**
 * Takes a run back whose sink or backfill had `undo: true`: rows that it updated get back what they were, rows that it inserted are
 * deleted. A row that the application has changed or deleted since stays as it is, and so does an inserted one that others refer to;
 * `account` of the report says how many were restored, deleted and kept, and the keys of the first that were kept.
 *
 * It is a backfill as any other: batches, each exactly once, resumable. What was written last goes first.
 *
 * @throws `OPTION_INVALID`; when it runs `UNDO_IMPOSSIBLE` (no such run, no before-images, undone already, a column is gone), `RUN_HELD` (it is
 * under way), and what `sqliteUpdateSink` throws.
 *
 * @example
 * await runBackfill({ backfiller: sqliteUndo({ filename: 'chat.db', run: 'message-tokens' }) })
 */
export function sqliteUndo(options: SqliteUndoOptions): FlowBackfill {
  const where = 'sqliteUndo'
  checkOptionNames(where, options, [...locationOptions, 'synchronous', 'run', 'tablePrefix', 'batchSize'])
  checkWritable(where, options)
  checkTablePrefix(where, options.tablePrefix)
  checkText(where, 'run', options.run)
  checkWholeNumber(where, 'batchSize', options.batchSize, 1)
  const { run, tablePrefix, batchSize = defaultBatchSize } = options
  const location = locationOf(options)
  const prefix = tablePrefix === undefined ? {} : { tablePrefix }
  const shown = `sqlite ${locationName(options)}`
  return {
    name: `undo ${run}`,
    batchSize,
    source: from(imagesSource({ name: `${shown} before ${run}`, location, tablePrefix, run })),
    sink: {
      specVersion: 1,
      name: `${shown} as before ${run}`,
      guarantee: 'exactly-once',
      keyed: true,
      batchSize: defaultBatchSize,
      limits: { partitions: 1 },
      connect: (operation) => connect({ location, create: false, ...prefix }, run, operation),
      stateStore: () => stateStoreWithin({ ...location, ...prefix }),
    },
  }
}

async function connect(
  options: ExactWriterOptions,
  wanted: string,
  operation: SinkOperation,
): Promise<ExactSession<Row>> {
  const tables = imageTables(options.tablePrefix)
  let made: UndoTarget | undefined
  const session = await connectExactWriter<Row>(
    options,
    async (connection) => {
      made = await UndoTarget.of(connection, tables, await undoneRun(connection, tables, options.tablePrefix, wanted))
      return made
    },
    operation,
  )
  const target = made
  if (target === undefined) return session
  return overriding(session, {
    write: async (batch, how) => {
      await session.write(batch, how)
      if (how.mode === 'commit') target.settle()
    },
    account: () => target.account,
    finish: async (outcome, how) => {
      await target.finish(outcome)
      await session.finish?.(outcome, how)
    },
  })
}
