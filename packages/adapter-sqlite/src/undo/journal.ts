import { type Claim, DroverError, type ExactSession, type Page, type Row } from '@drover/core'
import { quoteName, quoteText } from '../connection/quote-name.js'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import type { BatchTarget } from '../sink/batch-target.js'
import { writeTransaction } from '../writer/write-turn.js'
import { type ImageShape, placesOf } from './image-shape.js'
import { ensureImageTables, ensurePlaces, type ImageTables, place, pruneImages } from './image-tables.js'
import { overriding } from './overriding.js'

const triggers = ['drover_image_update', 'drover_image_insert'] as const

/**
 * Keeps what rows were before a run changed them: by triggers that only this connection has, whatever statement it is that changes a
 * row, and in its transaction.
 */
export class Journal {
  #run: string | undefined
  /** What the triggers keep. */
  #armed: string | undefined

  constructor(
    private readonly connection: SqliteConnection,
    private readonly tables: ImageTables,
  ) {
    if (connection.path !== null) return
    throw new DroverError(
      'SINK_NOT_READY',
      `"${connection.name}" is a database in memory, whose connection is the application's own: leave out undo.`,
    )
  }

  /** The target, with its rows being kept. */
  target(target: BatchTarget): BatchTarget {
    return overriding(target, {
      ready: async (pages: readonly Page<Row>[]) => {
        const ready = await target.ready(pages)
        const shape = await target.imageShape?.()
        if (shape !== undefined) await this.#arm(shape)
        return ready
      },
    })
  }

  session<S extends ExactSession<Row>>(session: S): S {
    const claim = async (claimed: Claim, operation: Parameters<S['claim']>[1]) => {
      const position = await session.claim(claimed, operation)
      if (this.#run !== claimed.run) {
        await ensureImageTables(this.connection, this.tables)
        await this.#refuseUndone(claimed.run)
        await pruneImages(this.connection, this.tables, claimed.run)
      }
      this.#run = claimed.run
      return position
    }
    return overriding(session, { claim } as Partial<S>)
  }

  async #refuseUndone(run: string): Promise<void> {
    const { connection, tables } = this
    const sql = `SELECT 1 AS one FROM ${tables.shapes} WHERE run = ? AND begun_at IS NOT NULL LIMIT 1`
    if ((await connection.get(sql, [run])) !== undefined) throw runUndone(`"${connection.name}"`, run)
  }

  /** Not in the transaction of a batch: what is rolled back takes its triggers with it. */
  async #arm(shape: ImageShape): Promise<void> {
    const { connection, tables } = this
    const run = this.#run
    const text = JSON.stringify(shape)
    if (run === undefined || this.#armed === text) return
    await ensurePlaces(connection, tables, placesOf(shape))
    const id = await this.#idOf(run, text)
    await connection.exec(triggers.map((name) => `DROP TRIGGER IF EXISTS temp.${name};`).join('\n'))
    await connection.exec(this.#triggersSql(shape, id))
    this.#armed = text
  }

  async #idOf(run: string, shape: string): Promise<number> {
    const { connection, tables } = this
    return writeTransaction(connection, async () => {
      const known = await connection.get(`SELECT id FROM ${tables.shapes} WHERE run = ? AND shape = ?`, [run, shape])
      const now = BigInt(Date.now())
      if (known !== undefined) {
        await connection.run(`UPDATE ${tables.shapes} SET kept_at = ? WHERE id = ?`, [now, known[0] ?? null])
        return Number(known[0])
      }
      const values = [run, shape, now]
      const { lastRowid } = await connection.run(
        `INSERT INTO ${tables.shapes} (run, shape, kept_at) VALUES (?, ?, ?)`,
        values,
      )
      return lastRowid
    })
  }

  #triggersSql(shape: ImageShape, id: number): string {
    const { images } = this.tables
    const { table, key, columns } = shape
    const [onUpdate, onInsert] = triggers
    const places = Array.from({ length: placesOf(shape) }, (_, i) => place(i))
    const of = (row: 'OLD' | 'NEW', names: readonly string[]): string[] =>
      names.map((name) => `${row}.${quoteName(name)}`)
    const insert = (inserted: 0 | 1, before: readonly string[]): string =>
      `INSERT INTO ${images} (${['shape', 'inserted', ...places].join(', ')})
       VALUES (${[id, inserted, ...of('NEW', key), ...before, ...of('NEW', columns)].join(', ')});`
    return `
      CREATE TEMP TRIGGER ${onUpdate} AFTER UPDATE ON main.${quoteName(table)} BEGIN ${insert(0, of('OLD', columns))} END;
      CREATE TEMP TRIGGER ${onInsert} AFTER INSERT ON main.${quoteName(table)} BEGIN ${insert(
        1,
        columns.map(() => 'NULL'),
      )} END;`
  }
}

function runUndone(where: string, run: string): DroverError {
  return new DroverError(
    'RUN_UNDONE',
    `${where}: the run ${run} was undone, as far as it had come, and would go on behind that. Give the pipeline or backfill another version and whenChanged: 'restart', and it begins from the start.`,
  )
}

/** Whether triggers may change other columns of a row than a statement sets. */
export async function hasTriggers(connection: SqliteConnection, table: string): Promise<boolean> {
  const sql = `SELECT 1 AS one FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ${quoteText(table)} COLLATE NOCASE LIMIT 1`
  return (await connection.get(sql)) !== undefined
}
