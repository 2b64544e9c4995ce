import {
  DroverError,
  type ExactSession,
  type FidelityIssue,
  type Operation,
  type Page,
  type RecordSchema,
  type Rehearsal,
  type Row,
} from '@drover/core'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import type { BatchTarget } from '../sink/batch-target.js'
import type { ExactWriterOptions } from '../sink/connect-sink.js'
import { ensureStateTables, stateTables } from '../state/state-tables.js'
import { ensureImageTables, imageTables } from '../undo/image-tables.js'
import { inTurn } from '../writer/write-turn.js'
import { InnerConnection } from './inner-connection.js'
import { openUnchanged, type UnchangedDatabase } from './open-unchanged.js'

type MakeTarget = (connection: SqliteConnection) => Promise<BatchTarget>

/** A session for a dry run: whatever it writes is taken back, and the database's files stay as they are, byte for byte. */
export async function connectRehearsal<R extends object>(
  options: ExactWriterOptions,
  makeTarget: MakeTarget,
): Promise<ExactSession<R>> {
  const database = await openUnchanged(options.location, options.create ?? true)
  try {
    const { connection, name } = database
    const foreignKeys = options.foreignKeys ?? (options.location.knex === undefined ? true : undefined)
    if (foreignKeys !== undefined && (connection.path !== null || database.isNew))
      await connection.exec(`PRAGMA foreign_keys = ${foreignKeys ? 'ON' : 'OFF'}`)
    const target = await makeTarget(new InnerConnection(connection, name))
    return new RehearsalSession(database, options, target, makeTarget) as ExactSession<object> as ExactSession<R>
  } catch (error) {
    await database[Symbol.asyncDispose]()
    throw error
  }
}

class RehearsalSession implements ExactSession<Row> {
  #closed: Promise<void> | undefined

  constructor(
    private readonly database: UnchangedDatabase,
    private readonly options: ExactWriterOptions,
    /** It looks at the table and writes nothing. */
    private readonly looking: BatchTarget,
    private readonly makeTarget: MakeTarget,
  ) {}

  check(schema: RecordSchema): readonly FidelityIssue[] {
    return this.looking.check?.(schema) ?? []
  }

  async rehearse(schema: RecordSchema, pages: readonly Page<Row>[], { signal }: Operation): Promise<Rehearsal> {
    const { connection, name, isNew } = this.database
    const inner = new InnerConnection(connection, name)
    const work = async (): Promise<Rehearsal> => {
      const before = await tablesOf(inner)
      // What a target makes for itself goes with the transaction, so the next rehearsal needs another one.
      const target = await this.makeTarget(inner)
      await target.prepare(schema)
      const { tablePrefix, undo } = this.options
      await ensureStateTables(inner, stateTables(tablePrefix))
      if (undo?.undo === true) {
        await ensureImageTables(inner, imageTables(tablePrefix, undo))
        await target.imageShape?.()
      }
      const created = (await tablesOf(inner)).filter((table) => !before.includes(table))
      const begun = performance.now()
      const rows = await write(target, pages, signal)
      const durationMs = performance.now() - begun
      await target.close()
      const creates = [...(isNew ? [`database "${name}"`] : []), ...created.map((table) => `table "${table}"`)]
      return { creates, rows, durationMs }
    }
    return inTurn(connection, () => connection.transaction(work, { end: 'rollback' }))
  }

  claim(): Promise<never> {
    return Promise.reject(this.#onlyRehearses())
  }

  async write(): Promise<never> {
    throw this.#onlyRehearses()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await this.database[Symbol.asyncDispose]()
  }

  #onlyRehearses(): DroverError {
    const what = 'was connected to for a dry run, and is to be written to'
    return new DroverError('CONTRACT_BROKEN', `"${this.database.name}" ${what}.`)
  }
}

async function write(target: BatchTarget, pages: readonly Page<Row>[], signal: AbortSignal): Promise<number> {
  const filled = pages.filter((page) => page.rows().length > 0)
  if (filled.length === 0) return 0
  await target.ready(filled)
  const before = await target.brokenKeys()
  await target.write(filled, signal, false)
  if ((await target.brokenKeys()) > before) {
    throw new DroverError(
      'RECORD_REFUSED',
      `${target.where}: a row of the sample breaks a deferred foreign key: what it points to is not there, or not in the sample.`,
    )
  }
  return filled.reduce((sum, page) => sum + page.rows().length, 0)
}

async function tablesOf(connection: SqliteConnection): Promise<readonly unknown[]> {
  const rows = await connection.all(`SELECT name FROM main.sqlite_master WHERE type = 'table' ORDER BY rowid`)
  return rows.map(([name]) => name)
}
