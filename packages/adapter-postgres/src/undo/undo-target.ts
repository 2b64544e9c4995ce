import {
  DroverError,
  type JsonValue,
  type KeptRecord,
  type Operation,
  type Outcome,
  type Page,
  type Row,
  UndoAccount,
  Undone,
} from '@drover/core'
import type { PostgresDatabase } from '../connection/open-postgres.js'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { requireRights, requireTable } from '../schema/read-table.js'
import { type Reference, referencesTo } from '../schema/references.js'
import { findColumn, type Table } from '../schema/table.js'
import type { BatchTarget, BatchWriter } from '../sink/batch-target.js'
import { type ImageColumn, type ImageShape, schemasSql } from './image-shape.js'
import type { ImageTable } from './image-table.js'
import type { ImageRecord } from './images-source.js'
import { referrerSql } from './references.js'
import { imageTypeSql, lockSql, restoreSql } from './restore-sql.js'

/** What stands with a chunk of images, as it is stored. */
interface Chunk {
  readonly ordinal: number
  readonly shape: string
  readonly settings: string
}

/** A table as it is now. */
interface Target {
  readonly table: Table
  readonly references: readonly Reference[]
}

type Fate = 'restored' | 'deleted' | 'gone' | 'changed' | 'referred' | 'left'

interface Fated {
  readonly place: number
  readonly fate: Fate
  readonly referrer: string | null
}

/** Puts rows back as they were before a run changed them, as far as they are still what it made of them. */
export class UndoTarget implements BatchTarget {
  readonly where: string
  readonly #account = new UndoAccount()
  readonly #chunks = new Map<number, Chunk>()
  readonly #targets = new Map<string, Promise<Target>>()
  #last: Undone | undefined

  constructor(
    private readonly database: PostgresDatabase,
    private readonly images: ImageTable,
    private readonly run: string,
  ) {
    this.where = `what run ${run} changed in ${database.name}`
  }

  get account() {
    return this.#account.account
  }

  async prepare(): Promise<void> {}

  /** From now on a name means this run, even if it gets newer ones. */
  async beforeRows(operation: Operation): Promise<void> {
    await this.#mark('begun_at', operation)
  }

  begin(connection: PostgresConnection): BatchWriter {
    const undone = new Undone()
    this.#last = undone
    return new UndoWriter(connection, undone, this)
  }

  /** The batch that was begun last is durable. */
  settle(): void {
    if (this.#last !== undefined) this.#account.add(this.#last)
    this.#last = undefined
  }

  async finish(outcome: 'completed' | 'stopped' | 'failed', operation: Operation): Promise<void> {
    if (outcome === 'completed') await this.#mark('undone_at', operation)
  }

  /** Shapes and settings of these chunks. */
  async chunksOf(connection: PostgresConnection, ordinals: readonly number[]): Promise<ReadonlyMap<number, Chunk>> {
    const missing = [...new Set(ordinals)].filter((ordinal) => !this.#chunks.has(ordinal))
    if (missing.length > 0) {
      const { rows } = await connection.query<Chunk>(
        `SELECT ordinal, shape, settings FROM ${this.images.images} WHERE ordinal = ANY($1)`,
        [missing],
      )
      for (const chunk of rows) this.#chunks.set(chunk.ordinal, chunk)
    }
    return this.#chunks
  }

  /** The table that a shape is of, as it is now. */
  targetOf(shape: ImageShape): Promise<Target> {
    const known = this.#targets.get(shape.table)
    if (known !== undefined) return known
    const found = this.#targetOf(shape).catch((error: unknown) => {
      this.#targets.delete(shape.table)
      throw error
    })
    this.#targets.set(shape.table, found)
    return found
  }

  async #targetOf({ full, name }: ImageShape): Promise<Target> {
    await using connection = await this.database.connect({ signal: new AbortController().signal })
    const table = await requireTable(connection, full)
    if (table.name !== name)
      throw new DroverError('UNDO_IMPOSSIBLE', `${this.where}: there is no table ${full} any more.`)
    await requireRights(connection, table, ['SELECT', 'UPDATE'])
    return { table, references: await referencesTo(connection, table) }
  }

  async #mark(column: 'begun_at' | 'undone_at', { signal }: Operation): Promise<void> {
    await this.database.query(
      `UPDATE ${this.images.images} SET ${column} = clock_timestamp() WHERE run = $1 AND ${column} IS NULL`,
      [this.run],
      { signal, doing: `noting the undo of run ${this.run}` },
    )
  }
}

/** Records that are put back by one statement. */
interface Group {
  readonly shape: ImageShape
  readonly last: ImageShape
  readonly settings: string
  readonly records: ImageRecord[]
}

class UndoWriter implements BatchWriter {
  readonly #types = new Map<string, string>()
  #settings = ''
  #own: OwnPath | undefined
  #rows = 0

  constructor(
    private readonly connection: PostgresConnection,
    private readonly undone: Undone,
    private readonly target: UndoTarget,
  ) {}

  async write(page: Page<Row>): Promise<void> {
    const records = page.rows() as readonly object[] as readonly ImageRecord[]
    if (records.length === 0) return
    for (const group of await this.#groups(records)) {
      await this.#restore(group).catch((error: unknown) => {
        throw records.length === 1 ? withKey(error, group) : error
      })
    }
    this.#rows += records.length
  }

  async end(): Promise<Outcome> {
    const { restored, deleted, kept } = this.undone
    return { inserted: 0, updated: restored + deleted, skipped: kept.length }
  }

  async abandon(): Promise<void> {}

  async #groups(records: readonly ImageRecord[]): Promise<Iterable<Group>> {
    const ordinals = records.flatMap(({ chunk, last }) => [-chunk, last])
    const chunks = await this.target.chunksOf(this.connection, ordinals)
    const groups = new Map<string, Group>()
    for (const record of records) {
      const first = chunks.get(-record.chunk)
      const last = chunks.get(record.last)
      if (first === undefined || last === undefined) {
        throw new DroverError('UNDO_IMPOSSIBLE', `${this.target.where}: its before-images were deleted meanwhile.`)
      }
      const id = JSON.stringify([first.shape, last.shape, last.settings])
      let group = groups.get(id)
      if (group === undefined) {
        const [shape, latest] = [first.shape, last.shape].map((text) => JSON.parse(text) as ImageShape)
        group = { shape: shape as ImageShape, last: latest as ImageShape, settings: last.settings, records: [] }
        groups.set(id, group)
      }
      group.records.push(record)
    }
    return groups.values()
  }

  async #restore({ shape, last, settings, records }: Group): Promise<void> {
    const { connection, undone } = this
    const { table, references } = await this.target.targetOf(shape)
    this.#refuseDropped(table, [...shape.key, ...last.columns])
    const inserted = records.filter(({ image }) => image === null).map(({ key }) => key)
    const values = [records.map(({ key }) => key), records.map(({ image }) => image), records.map(({ after }) => after)]
    const doing = `undoing ${this.target.where}`
    const { rows } = await this.#under(settings, async () => {
      const sql = restoreSql({
        shape,
        last,
        type: await this.#typeOf(shape, settings),
        columns: shape.columns.filter((column) => isSettable(table, shape, column)).map(({ name }) => name),
        referrer: referrerSql(references, shape),
      })
      if (references.length > 0 && inserted.length > 0) await connection.query(lockSql(shape), [inserted], { doing })
      return await connection.query<Fated>(sql, values, { doing })
    })
    if (rows.length !== records.length) {
      throw new DroverError(
        'UNDO_IMPOSSIBLE',
        `${this.target.where}: several rows of ${table.sql} have one key since, so nobody can tell which one the run has written. Make the key (${shape.key.map(({ name }) => name).join(', ')}) unique again and call again.`,
      )
    }
    for (const { place, fate, referrer } of rows) {
      if (fate === 'restored' || fate === 'deleted') undone[fate]++
      else undone.kept.push({ key: keyShown(shape, records[place]?.key ?? ''), reason: reasonFor(fate, referrer) })
    }
  }

  /** What a run made of a row can only be compared as long as all of it is there. */
  #refuseDropped(table: Table, columns: readonly ImageColumn[]): void {
    const gone = columns.find(({ name }) => findColumn(table.columns, name) === undefined)
    if (gone === undefined) return
    throw new DroverError(
      'UNDO_IMPOSSIBLE',
      `${this.target.where}: the column "${gone.name}" of ${table.sql} is gone since, so nobody can tell which rows are still as the run left them. Add it again, or restore it from a backup, and call again.`,
    )
  }

  async #typeOf(shape: ImageShape, settings: string): Promise<string> {
    const id = JSON.stringify([shape, settings])
    const known = this.#types.get(id)
    if (known !== undefined) return known
    const name = `drover_image_${this.#types.size + 1}`
    await this.connection.exec(imageTypeSql(name, shape), { doing: `making ready for ${this.target.where}` })
    this.#types.set(id, `pg_temp.${name}`)
    return `pg_temp.${name}`
  }

  /**
   * Texts of values depend on these, and names of types on the schemas in which they are looked for. Drover's own tables are not to be
   * looked for there, so these go back.
   */
  async #under<T>(settings: string, work: () => Promise<T>): Promise<T> {
    const { search_path: schemas } = JSON.parse(settings) as { readonly search_path?: string }
    const own = await this.#set(settings)
    if (schemas === undefined || schemas === own.schemas) return await work()
    const lookIn = (path: string) => this.connection.query(`SELECT set_config('search_path', $1, true)`, [path])
    await lookIn(schemas)
    const result = await work()
    await lookIn(own.path)
    return result
  }

  /** Rows are found by their keys, which the planner takes for dearer than it is. */
  async #set(settings: string): Promise<OwnPath> {
    if (this.#own !== undefined && this.#settings === settings) return this.#own
    await this.connection.query(
      `SELECT set_config(key, value, true) FROM json_each_text($1::json) WHERE key <> 'search_path'
       UNION ALL SELECT set_config('random_page_cost', '1', true)`,
      [settings],
    )
    this.#settings = settings
    const { rows } = await this.connection.query<OwnPath>(
      `SELECT current_setting('search_path') AS path, ${schemasSql} AS schemas`,
    )
    this.#own ??= rows[0] ?? { path: '', schemas: '' }
    return this.#own
  }
}

/** Where this connection looks for names. */
interface OwnPath {
  readonly path: string
  readonly schemas: string
}

/** The engine knows a record by its place among the images, which tells nobody which row is meant. */
function withKey(error: unknown, { shape, records: [record] }: Group): unknown {
  if (record === undefined || !DroverError.isInstance(error, 'RECORD_REFUSED')) return error
  const { code, message, row, cause } = error
  const key = JSON.stringify(keyShown(shape, record.key))
  return new DroverError(code, `The row of ${shape.table} with the key ${key} cannot be put back: ${message}`, {
    cause,
    ...(row === undefined ? {} : { row }),
  })
}

function isSettable(table: Table, { key }: ImageShape, { name }: ImageColumn): boolean {
  const column = findColumn(table.columns, name)
  if (column === undefined || column.isGenerated || column.identity === 'always') return false
  return !key.some((part) => part.name === name)
}

function reasonFor(fate: Fate, referrer: string | null): string {
  if (fate === 'gone') return 'was deleted since'
  if (fate === 'changed') return 'was changed since'
  if (fate === 'referred') return `was inserted by the run, but rows of ${referrer} refer to it`
  return 'is left as it is by a trigger, or was changed at this very moment'
}

/** As the values of the key are, as far as JSON has them. */
function keyShown({ key }: ImageShape, text: string): KeptRecord['key'] {
  const texts = key.length === 1 ? [text] : (JSON.parse(text) as string[])
  return texts.map((value, i): JsonValue => {
    const isNumber = /^(?:smallint|integer|bigint)$/.test(key[i]?.type ?? '') && Number.isSafeInteger(Number(value))
    return isNumber ? Number(value) : value
  })
}
