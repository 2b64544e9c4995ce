import {
  type Count,
  type Cursor,
  DroverError,
  type JsonValue,
  type Operation,
  type Page,
  type ReadOptions,
  type RecordSchema,
  type Report,
  type Row,
  type Sink,
  type Source,
  type SourceSession,
  startPipeline,
} from '@drover/core'
import { conditions, places, unnested } from '../backfill/update-plan.js'
import { openPostgres, type PostgresDatabase } from '../connection/open-postgres.js'
import type { PostgresLocation } from '../connection/postgres-location.js'
import { postgresStateStore } from '../state/postgres-state-store.js'
import type { StateLocation } from '../state/state-tables.js'
import { keyJson } from '../wire/key-json.js'
import { RowsPage } from '../wire/rows-page.js'
import type { ArchivePlan } from './archive-plan.js'
import { continuedSink, openDestination } from './destination.js'
import { keyArrays, withKey } from './key-arrays.js'
import { refuseItself } from './refuse-itself.js'

export interface ArrivedSourceOptions {
  readonly name: string
  readonly location: PostgresLocation
  readonly state: StateLocation
  /** The rows that are to leave. */
  readonly rows: Source<Row>
  readonly to: Sink<Row>
  readonly batchSize: number | undefined
  readonly plan: (database: PostgresDatabase, operation: Operation) => Promise<ArchivePlan>
}

/** Where the run stands: the copy is under way, or it is done, and so much of the destination was looked through. */
type Stage = { readonly copying: true } | { readonly after: Cursor | null }

/** How often the run hears of a copy that is under way, in milliseconds: it may have to stop. */
const tellEveryMs = 200

/** The name of the run that copies. */
export function copyName(name: string): string {
  return `${name} (copy)`
}

/**
 * What has arrived in the destination, as it stands there, as far as the table still has it. Before the first of it all rows that are
 * to leave are copied, once in a run.
 */
export function arrivedSource(options: ArrivedSourceOptions): Source<Row> {
  const { rows, to } = options
  return {
    specVersion: 1,
    name: rows.name,
    version: [rows.version, to.name, to.version].filter((part) => part !== undefined).join(' '),
    connect: async (operation) => {
      const database = await openPostgres({ ...options.location, readonly: true }, operation)
      try {
        return new ArrivedSession(options, database, await options.plan(database, operation))
      } catch (error) {
        await database[Symbol.asyncDispose]()
        throw error
      }
    },
  }
}

class ArrivedSession implements SourceSession<Row> {
  constructor(
    private readonly options: ArrivedSourceOptions,
    readonly database: PostgresDatabase,
    readonly plan: ArchivePlan,
  ) {}

  async describe(): Promise<RecordSchema> {
    return { fields: [], key: [] }
  }

  async count(operation: Operation): Promise<Count> {
    await using rows = await this.options.rows.connect(operation)
    return (await rows.count?.({ signal: operation.signal })) ?? { value: 0, exact: false }
  }

  async *read({ run, after, signal, page }: ReadOptions): AsyncGenerator<Page<Row>, void, undefined> {
    let stage: Stage = after === null ? { copying: true } : (after as Stage)
    if ('copying' in stage) {
      if (run === undefined) throw new DroverError('CONTRACT_BROKEN', `${this.options.name}: read outside of a run.`)
      yield* this.#copy(run, signal)
      stage = { after: null }
      yield emptyPage(stage)
    }
    await using destination = await openDestination(this.options.to, { signal })
    await refuseItself(destination.session, this, { signal })
    const partition = { id: 'all', bounds: null }
    for await (const arrived of destination.session.read({ signal, partition, after: stage.after, page })) {
      const rows = await this.#inTable(withKey(this.plan.key, arrived.rows()), { signal })
      yield new RowsPage(rows, rows.map(this.#keyOf), arrived.bytes, { after: arrived.cursor })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database[Symbol.asyncDispose]()
  }

  /** By a run of its own, which is resumed, and which this one has to have completed. */
  async *#copy(run: string, signal: AbortSignal): AsyncGenerator<Page<Row>, void, undefined> {
    // A copy that another run of this archive has completed says nothing of the rows that are there now.
    for (const again of ['nothing', 'full'] as const) {
      const report = yield* this.#copied(run, again, signal)
      if (report.status === 'stopped') {
        throw new DroverError(
          'ABORTED',
          `${this.options.name}: the copy was stopped, ${report.reason ?? 'and did not say why'}; nothing was deleted. The same call goes on.`,
        )
      }
      const isOlder = report.status === 'nothing' && report.warnings.some(({ code }) => code === 'NOT_RESUMABLE')
      if (!isOlder) return
    }
  }

  async *#copied(
    run: string,
    again: 'nothing' | 'full',
    signal: AbortSignal,
  ): AsyncGenerator<Page<Row>, Report, undefined> {
    const { name, rows, to, location, state, batchSize } = this.options
    await using store = postgresStateStore({ ...location, ...state })
    const live = startPipeline<Row>({
      name: copyName(name),
      version: run,
      source: rows,
      sink: continuedSink(to),
      state: store,
      ...(batchSize === undefined ? {} : { batchSize }),
      again,
      whenChanged: 'restart',
      whenHeld: 'wait',
      signal,
    })
    try {
      for (;;) {
        const report = await withinMs(live.result, tellEveryMs)
        if (report !== undefined) return report
        yield emptyPage({ copying: true })
      }
    } finally {
      // Whoever leaves while it is under way wants it to end at its next commit; what it fails with was thrown above.
      await live.stop('the archive was stopped').catch(() => {})
    }
  }

  /** Rows that the table has too, and that are to leave it. */
  async #inTable(rows: readonly Row[], operation: Operation): Promise<readonly Row[]> {
    if (rows.length === 0) return rows
    const { key, table, where } = this.plan
    const plan = { ...this.plan, seen: [], isOrdered: false }
    const records = `${unnested(key)} WITH ORDINALITY AS drover_u (${places(key)}, drover_at)`
    const found = await this.database.query<{ place: number }>(
      `SELECT drover_at AS place FROM ${table.sql} JOIN ${records} ON ${conditions(plan, key, 'drover_u')} ORDER BY drover_at`,
      keyArrays(key, rows),
      { ...operation, doing: `looking for what has arrived in ${where}` },
    )
    return found.rows.map(({ place }) => rows[place - 1] as Row)
  }

  readonly #keyOf = (row: Row): { source: readonly JsonValue[]; child: number } => ({
    source: this.plan.key.map(({ name }) => keyJson(row[name])),
    child: 0,
  })
}

function emptyPage(stage: Stage): RowsPage {
  return new RowsPage([], [], 0, stage as Cursor)
}

async function withinMs<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  try {
    const timeout = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, ms, undefined)
    })
    return await Promise.race([work, timeout])
  } finally {
    clearTimeout(timer)
  }
}
