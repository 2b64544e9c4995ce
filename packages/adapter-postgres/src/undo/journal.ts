import {
  type Claim,
  DroverError,
  type ExactSession,
  type Operation,
  type SinkOperation,
  type UndoOptions,
} from '@drover/core'
import { overriding } from '../archive/overriding.js'
import type { PostgresDatabase } from '../connection/open-postgres.js'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import type { PostgresLocation } from '../connection/postgres-location.js'
import { quoteText } from '../connection/quote-name.js'
import { longestWaitMs } from '../rehearsal/rehearse.js'
import type { BatchTarget } from '../sink/batch-target.js'
import { connectExactWriter } from '../sink/connect-sink.js'
import { ensureStateTables, type StateLocation, stateTables } from '../state/state-tables.js'
import { type ImageShape, schemasSql } from './image-shape.js'
import { ensureImageTable, type ImageTable, imageTable, pruneImages, versionOf } from './image-table.js'

/** An image that is far larger than the others must not lead to arrays beyond a gigabyte. */
const mostPartBytes = 4 * 1024 * 1024

/** What texts of values, and names of types, depend on beside what every transaction of ours sets. */
const settingsSql = `json_build_object('TimeZone', current_setting('TimeZone'), 'lc_monetary', current_setting('lc_monetary'), 'search_path', ${schemasSql})::text`

/** Keeps what rows were before a run changed them: statements that go into its own. */
export class Journal {
  #run: string | undefined

  constructor(private readonly table: ImageTable) {}

  /**
   * An INSERT for the rows of a relation with the columns `drover_key`, `drover_image` (null: the row was inserted) and `drover_after`.
   * It takes its number once all of these rows are locked, so numbers are in the order in which rows were written.
   */
  insertSql(shape: ImageShape, from: string): string {
    // Whoever rehearses has no run.
    if (this.#run === undefined) return 'SELECT 1'
    const size = 'octet_length(drover_key) + coalesce(octet_length(drover_image), 0) + 16'
    return `INSERT INTO ${this.table.images} (run, shape, settings, keys, images, afters)
      SELECT ${quoteText(this.#run)}, ${quoteText(JSON.stringify(shape))}, ${settingsSql},
        array_agg(drover_key), array_agg(drover_image), array_agg(drover_after)
      FROM (SELECT *, sum(${size}) OVER (ROWS UNBOUNDED PRECEDING) / ${mostPartBytes} AS drover_part FROM ${from}) AS drover_p
      GROUP BY drover_part`
  }

  /** Makes ready for images of that run. @throws `RUN_UNDONE` */
  async begin(connection: PostgresConnection, { run }: Claim): Promise<void> {
    if (this.#run === run) return
    await ensureImageTable(connection, this.table)
    await this.#refuseUndone(connection, run)
    await pruneImages(connection, this.table, run)
    this.#run = run
  }

  /** Tries in a transaction that is rolled back what {@link begin} does, and gives what would be created. */
  async rehearse(connection: PostgresConnection): Promise<readonly string[]> {
    const { name, schema } = this.table
    const found = await versionOf(connection, this.table)
    await ensureImageTable(connection, this.table)
    return found > 0 ? [] : [`table "${schema === null ? name : `${schema}.${name}`}"`]
  }

  async #refuseUndone(connection: PostgresConnection, run: string): Promise<void> {
    const { rows } = await connection.query<{ undone: boolean }>(
      `SELECT EXISTS (SELECT FROM ${this.table.images} WHERE run = $1 AND begun_at IS NOT NULL) AS undone`,
      [run],
    )
    if (rows[0]?.undone === true) throw runUndone(connection.name, run)
  }
}

function runUndone(where: string, run: string): DroverError {
  return new DroverError(
    'RUN_UNDONE',
    `${where}: the run ${run} was undone, as far as it had come, and would go on behind that. Give the pipeline or backfill another version and whenChanged: 'restart', and it begins from the start.`,
  )
}

/** As {@link connectExactWriter}, with a journal if there is to be one. */
export async function connectJournaled<R extends object>(
  options: { readonly location: PostgresLocation; readonly state: StateLocation; readonly undo: UndoOptions },
  makeTarget: (database: PostgresDatabase, journal: Journal | null) => Promise<BatchTarget>,
  operation: SinkOperation,
): Promise<ExactSession<R>> {
  const { state, undo } = options
  const journal = undo.undo === true ? new Journal(imageTable(state, undo)) : null
  let opened: PostgresDatabase | undefined
  const session = await connectExactWriter<R>(
    options,
    (database) => {
      opened = database
      return makeTarget(database, journal)
    },
    operation,
  )
  const database = opened
  if (journal === null || database === undefined) return session
  const rehearse = session.rehearse?.bind(session)
  return overriding(session, {
    claim: async (claim: Claim, how: Operation) => {
      const position = await session.claim(claim, how)
      await using connection = await database.connect(how)
      await journal.begin(connection, claim)
      return position
    },
    ...(rehearse && {
      rehearse: async (...[schema, pages, how]: Parameters<typeof rehearse>) => {
        const rehearsal = await rehearse(schema, pages, how)
        const work = async (connection: PostgresConnection): Promise<readonly string[]> => {
          await ensureStateTables(connection, stateTables(state))
          return await journal.rehearse(connection)
        }
        const creates = await database.transaction(work, { ...how, end: 'rollback', lockTimeoutMs: longestWaitMs })
        return { ...rehearsal, creates: [...rehearsal.creates, ...creates] }
      },
    }),
  } as Partial<ExactSession<R>>)
}
