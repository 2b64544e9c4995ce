import {
  checkOptionNames,
  checkText,
  checkWholeNumber,
  type ExactSink,
  type FlowBackfill,
  from,
  type Row,
  type SinkOperation,
} from '@drover/core'
import { overriding } from '../archive/overriding.js'
import { checkLocation, locationName, locationOptions, type PostgresLocation } from '../connection/postgres-location.js'
import { connectExactWriter } from '../sink/connect-sink.js'
import { pick } from '../sink/pick.js'
import { postgresStateStore } from '../state/postgres-state-store.js'
import { checkStateLocation, type StateLocation, stateLocationOptions, stateTables } from '../state/state-tables.js'
import { imageTable } from './image-table.js'
import { imagesSource } from './images-source.js'
import { UndoTarget } from './undo-target.js'
import { undoneRun } from './undone-run.js'

/** Options of {@link postgresUndo}. */
export interface PostgresUndoOptions extends PostgresLocation, StateLocation {
  /** The id of a run, or the name of a pipeline or backfill: its newest run. */
  readonly run: string
  /** Rows that are put back in one transaction. @default 10000 */
  readonly batchSize?: number
}

const defaultBatchSize = 10_000
/** A batch of large rows ends earlier. */
const mostBatchBytes = 32 * 1024 * 1024
/** Whoever waits for a lock holds those that it has, and the application waits behind it. */
const defaultLockTimeoutMs = 5_000

/**
 * Takes a run back whose sink or backfill had `undo: true`: rows that it updated get back what they were, rows that it inserted are
 * deleted. A row that the application has changed or deleted since stays as it is, and so does an inserted one that others refer to;
 * `account` of the report says how many were restored, deleted and kept, and the keys of the first that were kept.
 *
 * It is a backfill as any other: batches, each exactly once, resumable. What was written last goes first.
 *
 * @throws `OPTION_INVALID`; when it runs `UNDO_IMPOSSIBLE` (no such run, no before-images, undone already, a column is gone), `RUN_HELD` (it is
 * under way), and what `postgresUpdateSink` throws.
 *
 * @example
 * await runBackfill({ backfiller: postgresUndo({ connection: process.env.DATABASE_URL, run: 'message-tokens' }) })
 */
export function postgresUndo(options: PostgresUndoOptions): FlowBackfill {
  const where = 'postgresUndo'
  checkOptionNames(where, options, [...locationOptions, ...stateLocationOptions, 'run', 'batchSize'])
  checkLocation(where, options)
  checkStateLocation(where, options)
  checkText(where, 'run', options.run)
  checkWholeNumber(where, 'batchSize', options.batchSize, 1)
  const { run, batchSize = defaultBatchSize } = options
  const given = pick(options, locationOptions)
  const location = { lockTimeoutMs: defaultLockTimeoutMs, ...given }
  const state = pick(options, stateLocationOptions)
  const name = `postgres ${locationName(options)} before ${run}`
  const sink: ExactSink<Row> = {
    specVersion: 1,
    name: `postgres ${locationName(options)} as before ${run}`,
    guarantee: 'exactly-once',
    keyed: true,
    batchSize: defaultBatchSize,
    limits: { bytes: mostBatchBytes, partitions: 1 },
    connect: (operation) => connect({ location, state }, run, operation),
    stateStore: () => postgresStateStore({ ...given, ...state }),
  }
  return { name: `undo ${run}`, batchSize, source: from(imagesSource({ name, location: given, state, run })), sink }
}

async function connect(
  { location, state }: { readonly location: PostgresLocation; readonly state: StateLocation },
  run: string,
  operation: SinkOperation,
) {
  const images = imageTable(state)
  let made: UndoTarget | undefined
  const session = await connectExactWriter<Row>(
    { location, state },
    async (database) => {
      await using connection = await database.connect(operation)
      made = new UndoTarget(database, images, await undoneRun(connection, stateTables(state), images, run))
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
  })
}
