import {
  DroverError,
  type KeptRecord,
  type Outcome,
  type Page,
  type Row,
  type SinkAccount,
  UndoAccount,
  Undone,
} from '@drover/core'
import { quoteName } from '../connection/quote-name.js'
import type { SqliteConnection, SqliteValue } from '../connection/sqlite-connection.js'
import { readTable } from '../schema/read-table.js'
import { findColumn, type Table } from '../schema/table.js'
import type { BatchTarget } from '../sink/batch-target.js'
import { DeferredKeys } from '../sink/deferred-keys.js'
import { isRefusal, rowRefused } from '../sink/row-refused.js'
import { type KeyValue, recordKeyOf } from '../source/key-value.js'
import { Breather } from '../writer/breather.js'
import { writeTransaction } from '../writer/write-turn.js'
import { beforePlace, type ImageShape, isRow, isSame, keyPlaces } from './image-shape.js'
import type { ImageTables } from './image-tables.js'
import type { ImageRecord } from './images-source.js'
import { type Reference, referencesTo, referrerSql } from './references.js'

/** A shape, and its table as it is now. */
interface Known {
  readonly shape: ImageShape
  readonly table: Table
  readonly references: readonly Reference[]
}

/** Records whose images are of the same shapes. */
interface Group {
  readonly first: Known
  readonly last: Known
  readonly records: ImageRecord[]
}

/** Ordinals of images by what is to become of their rows. */
interface Fates {
  readonly restore: number[]
  readonly delete: number[]
  readonly kept: KeptRecord[]
  readonly lastKey: KeptRecord['key']
}

type Fate = 'restore' | 'delete' | 'gone' | 'changed' | 'referred'

/** Puts rows back as they were before a run changed them, as far as they are still what it made of them. */
export class UndoTarget implements BatchTarget {
  readonly where: string
  readonly #account = new UndoAccount()
  readonly #breather = new Breather()
  #last: Undone | undefined
  #isMarked = false

  private constructor(
    private readonly connection: SqliteConnection,
    private readonly tables: ImageTables,
    private readonly run: string,
    private readonly known: ReadonlyMap<number, Known>,
    private readonly deferred: readonly DeferredKeys[],
  ) {
    this.where = `what run ${run} changed in "${connection.name}"`
  }

  /** @throws `UNDO_IMPOSSIBLE` if the table or a column is gone */
  static async of(connection: SqliteConnection, tables: ImageTables, run: string): Promise<UndoTarget> {
    const found = await connection.all(`SELECT id, shape FROM ${tables.shapes} WHERE run = ?`, [run])
    const known = new Map<number, Known>()
    for (const [id, text] of found) {
      const shape = JSON.parse(String(text)) as ImageShape
      const table = await readTable(connection, shape.table)
      if (table === null) throw gone(connection, run, `the table "${shape.table}"`)
      const column = [...shape.key, ...shape.columns].find(
        (name) => findColumn(table.columns, name) === undefined && name !== table.rowid,
      )
      if (column !== undefined) throw gone(connection, run, `the column "${column}" of "${shape.table}"`)
      known.set(Number(id), { shape, table, references: await referencesTo(connection, table) })
    }
    const names = new Set([...known.values()].map(({ table }) => table.name))
    const deferred = await Promise.all([...names].map((name) => DeferredKeys.of(connection, name)))
    return new UndoTarget(connection, tables, run, known, deferred)
  }

  get account(): SinkAccount {
    return this.#account.account
  }

  async prepare(): Promise<void> {}

  /** From now on a name means this run, even if it gets newer ones. */
  async ready(): Promise<{ readonly isAttached: boolean }> {
    if (!this.#isMarked) await this.#mark('begun_at')
    this.#isMarked = true
    return { isAttached: false }
  }

  async write(pages: readonly Page<Row>[], signal: AbortSignal, isCareful: boolean): Promise<Outcome> {
    const undone = new Undone()
    this.#last = undone
    let rows = 0
    for (const page of pages) {
      const records = page.rows() as readonly object[] as readonly ImageRecord[]
      if (isCareful) await this.#oneByOne(records, rows, undone)
      else await this.#restore(records, undone)
      rows += records.length
      await this.#breather.breathe()
      signal.throwIfAborted()
    }
    const { restored, deleted, kept } = undone
    return { inserted: 0, updated: restored + deleted, skipped: kept.length }
  }

  /** Row by row, what was written last comes first: a row that is refused can be named, or is refused no more. */
  async isWorthCare(error: unknown): Promise<boolean> {
    return DroverError.isInstance(error, 'RECORD_REFUSED') && error.row === undefined
  }

  async brokenKeys(): Promise<number> {
    let broken = 0
    for (const keys of this.deferred) broken += await keys.broken()
    return broken
  }

  async close(): Promise<void> {}

  /** The batch that was written last is durable. */
  settle(): void {
    if (this.#last !== undefined) this.#account.add(this.#last)
    this.#last = undefined
  }

  async finish(outcome: 'completed' | 'stopped' | 'failed'): Promise<void> {
    if (outcome === 'completed') await this.#mark('undone_at')
  }

  async #oneByOne(records: readonly ImageRecord[], before: number, undone: Undone): Promise<void> {
    for (const [i, record] of records.entries()) {
      try {
        await this.#restore([record], undone)
      } catch (error) {
        throw isRefusal(error) ? rowRefused(error, before + i, this.where) : error
      }
    }
  }

  async #restore(records: readonly ImageRecord[], undone: Undone): Promise<void> {
    for (const group of await this.#groups(records)) {
      const fates = await this.#fates(group)
      const restored = await this.#update(group, fates.restore)
      const deleted = await this.#delete(group, fates.delete)
      undone.restored += restored
      undone.deleted += deleted
      undone.kept.push(...fates.kept)
      // Only where it is one row by itself.
      if (restored + deleted < fates.restore.length + fates.delete.length)
        undone.kept.push({ key: fates.lastKey, reason: 'is left as it is by a trigger' })
    }
  }

  async #groups(records: readonly ImageRecord[]): Promise<Iterable<Group>> {
    const { images } = this.tables
    const ordinals = JSON.stringify(records.flatMap(({ first, last }) => [first, last]))
    const found = await this.connection.all(
      `SELECT ordinal, shape FROM main.${images} WHERE ordinal IN (SELECT value FROM json_each(?))`,
      [ordinals],
    )
    const shapes = new Map(found.map(([ordinal, shape]) => [Number(ordinal), Number(shape)]))
    const groups = new Map<string, Group>()
    for (const record of records) {
      const [a, b] = [shapes.get(record.first), shapes.get(record.last)]
      const [first, last] = [this.known.get(a ?? -1), this.known.get(b ?? -1)]
      if (first === undefined || last === undefined) {
        throw new DroverError('UNDO_IMPOSSIBLE', `${this.where}: its before-images were deleted meanwhile.`)
      }
      const id = `${a} ${b}`
      const group = groups.get(id) ?? { first, last, records: [] }
      groups.set(id, group)
      group.records.push(record)
    }
    return groups.values()
  }

  /** What is to become of each of them. Nobody else writes meanwhile. */
  async #fates({ first, last, records }: Group): Promise<Fates> {
    const { images } = this.tables
    const { shape, table, references } = first
    const own = 'drover_t'
    const pairs = JSON.stringify(records.map((record) => [record.first, record.last]))
    const keys = keyPlaces(shape)
    const leaving = `SELECT ${keys.join(', ')} FROM main.${images} WHERE inserted = 1
      AND ordinal IN (SELECT json_extract(value, '$[0]') FROM json_each(?))`
    const referrer = referrerSql(references, { name: table.name, key: shape.key }, own, leaving)
    const asks = referrer.split('json_each(?)').length - 1
    const rows = await this.connection.all(
      `SELECT CASE WHEN ${own}.${quoteName(shape.key[0] as string)} IS NULL THEN 'gone' WHEN NOT (${isSame(last.shape, own, 'drover_a')}) THEN 'changed'
           WHEN drover_i.inserted = 0 THEN 'restore' ELSE 'delete' END AS fate,
         CASE WHEN drover_i.inserted = 1 THEN ${referrer} END AS referrer, drover_i.ordinal AS ordinal,
         ${keys.map((name) => `drover_i.${name} AS ${name}`).join(', ')}
       FROM json_each(?) AS drover_u
         CROSS JOIN main.${images} AS drover_i ON drover_i.ordinal = json_extract(drover_u.value, '$[0]')
         CROSS JOIN main.${images} AS drover_a ON drover_a.ordinal = json_extract(drover_u.value, '$[1]')
         LEFT JOIN main.${quoteName(table.name)} AS ${own} ON ${isRow(shape, own, 'drover_i')}`,
      [...new Array<SqliteValue>(asks).fill(pairs), pairs],
    )
    if (rows.length !== records.length) {
      throw new DroverError(
        'UNDO_IMPOSSIBLE',
        `${this.where}: several rows of "${table.name}" have one key since, so nobody can tell which one the run has written. Make the key (${shape.key.join(', ')}) unique again and call again.`,
      )
    }
    const lastKey = recordKeyOf((rows.at(-1) ?? []).slice(3) as KeyValue[])
    const fates: Fates = { restore: [], delete: [], kept: [], lastKey }
    for (const [said, by, ordinal, ...key] of rows) {
      const fate = (said === 'delete' && by !== null ? 'referred' : said) as Fate
      if (fate === 'restore' || fate === 'delete') fates[fate].push(Number(ordinal))
      else fates.kept.push({ key: recordKeyOf(key as KeyValue[]), reason: reasonFor(fate, String(by)) })
    }
    return fates
  }

  async #update({ first: { shape, table } }: Group, ordinals: readonly number[]): Promise<number> {
    const sets = shape.columns.flatMap((name, i) => {
      const column = findColumn(table.columns, name)
      const isSet = column !== undefined && !column.isGenerated && !shape.key.includes(name)
      return isSet ? [`${quoteName(name)} = drover_i.${beforePlace(shape, i)}`] : []
    })
    if (ordinals.length === 0 || sets.length === 0) return ordinals.length
    const own = quoteName(table.name)
    const abort = table.hasConflictClauses ? ' OR ABORT' : ''
    return await this.#changing(
      ordinals.length,
      `UPDATE${abort} main.${own} SET ${sets.join(', ')}
       FROM main.${this.tables.images} AS drover_i
       WHERE drover_i.ordinal IN (SELECT value FROM json_each(?)) AND ${isRow(shape, own, 'drover_i')}`,
      ordinals,
    )
  }

  async #delete({ first: { shape, table } }: Group, ordinals: readonly number[]): Promise<number> {
    if (ordinals.length === 0) return 0
    const names = shape.key.map(quoteName).join(', ')
    return await this.#changing(
      ordinals.length,
      `DELETE FROM main.${quoteName(table.name)} WHERE (${names}) IN (SELECT ${keyPlaces(shape).join(', ')} FROM main.${this.tables.images}
         WHERE ordinal IN (SELECT value FROM json_each(?)))`,
      ordinals,
    )
  }

  /** What a trigger of the application keeps as it is would be counted as restored: then it is done row by row. */
  async #changing(count: number, sql: string, ordinals: readonly number[]): Promise<number> {
    const { changes } = await this.connection.run(sql, [JSON.stringify(ordinals)])
    if (changes === count || count === 1) return changes
    throw new DroverError(
      'RECORD_REFUSED',
      `${this.where}: ${count - changes} of ${count} rows stayed as they are, because a trigger of the table says so.`,
    )
  }

  async #mark(column: 'begun_at' | 'undone_at'): Promise<void> {
    const { connection, tables, run } = this
    const sql = `UPDATE ${tables.shapes} SET ${column} = ? WHERE run = ? AND ${column} IS NULL`
    await writeTransaction(connection, () => connection.run(sql, [BigInt(Date.now()), run]))
  }
}

function reasonFor(fate: Fate, referrer: string): string {
  if (fate === 'gone') return 'was deleted since'
  return fate === 'changed' ? 'was changed since' : `was inserted by the run, but rows of "${referrer}" refer to it`
}

function gone({ name }: SqliteConnection, run: string, what: string): DroverError {
  return new DroverError(
    'UNDO_IMPOSSIBLE',
    `"${name}": run ${run} cannot be undone: ${what} is gone since, so nobody can tell which rows are still as the run left them. Bring it back, or restore a backup.`,
  )
}
