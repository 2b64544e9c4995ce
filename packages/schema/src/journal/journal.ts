import { DroverError, type Row } from '@drover/core'
import type { SchemaConnection, SchemaDatabase } from '../contracts/database.js'
import type { JournalEntry, JournalEvent } from '../contracts/journal.js'
import type { Dialect } from '../contracts/migration.js'
import {
  entryColumns,
  entryValues,
  eventColumns,
  eventValues,
  glanceOf,
  journalEntry,
  journalEvent,
  readColumn,
  valueMark,
} from './journal-row.js'
import {
  createJournalTables,
  isTableMissing,
  type JournalTables,
  journalFormat,
  journalTables,
} from './journal-tables.js'

/** Who may write: the run of the lease, and its fence. */
export interface Claimed {
  readonly run: string
  readonly fence: number
}

/** Gives the rows of one reading statement. */
export type ReadRows = (sql: string, values?: readonly unknown[]) => Promise<readonly Row[]>

/** What of an entry has to be known to say where a database stands. */
export type Glance = Pick<JournalEntry, 'revision' | 'status' | 'checksum' | 'isCompatible' | 'dependsOn'>

/** The journal of one database: three tables that are made when something is written first. */
export class Journal {
  readonly #dialect: Dialect
  readonly #name: string
  readonly #tables: JournalTables
  readonly #entriesSql: string
  readonly #putSql: string
  readonly #tellSql: string

  constructor({ dialect, name }: Pick<SchemaDatabase, 'dialect' | 'name'>, prefix: string) {
    this.#dialect = dialect
    this.#name = name
    const tables = journalTables(prefix)
    this.#tables = tables
    const columns = entryColumns.map((column) => readColumn(dialect, column)).join(', ')
    // The row of the format is there though there be no entry.
    this.#entriesSql = `SELECT s.format, m.* FROM ${tables.schema} AS s
      LEFT JOIN (SELECT ordinal, ${columns} FROM ${tables.migrations}) AS m ON 1 = 1 ORDER BY m.ordinal`
    const marks = entryColumns.map((column, i) => valueMark(dialect, column, i + 1)).join(', ')
    const kept = entryColumns.slice(1).map((column) => `${column} = excluded.${column}`)
    this.#putSql = `INSERT INTO ${tables.migrations} (ordinal, ${entryColumns.join(', ')})
      VALUES ((SELECT coalesce(max(ordinal), 0) + 1 FROM ${tables.migrations}), ${marks})
      ON CONFLICT (revision) DO UPDATE SET ${kept.join(', ')}`
    this.#tellSql = `INSERT INTO ${tables.events} (${eventColumns.join(', ')})
      VALUES (${eventColumns.map((column, i) => valueMark(dialect, column, i + 1)).join(', ')})`
  }

  /** In the order of application. Empty where there is no journal. @throws `JOURNAL_INVALID` */
  async entries(read: ReadRows): Promise<readonly JournalEntry[]> {
    const rows = await this.#unlessMissing(() => read(this.#entriesSql))
    this.#checkFormat(rows[0])
    return rows.filter(({ revision }) => revision !== null).map((row) => journalEntry(row, this.#where))
  }

  /** Where the database stands, in one statement. Empty where there is no journal. @throws `JOURNAL_INVALID` */
  async glance(read: ReadRows): Promise<readonly Glance[]> {
    const { migrations, schema } = this.#tables
    const rows = await this.#unlessMissing(() =>
      read(
        `SELECT revision, status, checksum, is_compatible, depends_on, (SELECT format FROM ${schema} WHERE id = 1) AS format
         FROM ${migrations} ORDER BY ordinal`,
      ),
    )
    this.#checkFormat(rows[0])
    return rows.map((row) => glanceOf(row, this.#where))
  }

  /** The oldest first. */
  async events(read: ReadRows): Promise<readonly JournalEvent[]> {
    const columns = eventColumns.map((column) => readColumn(this.#dialect, column)).join(', ')
    const rows = await this.#unlessMissing(() => read(`SELECT ${columns} FROM ${this.#tables.events} ORDER BY id`))
    return rows.map((row) => journalEvent(row, this.#where))
  }

  /**
   * Says who may write from now on, and makes the tables if they are not there. Whoever could before is fenced.
   *
   * @throws `FENCED`, `JOURNAL_INVALID`
   */
  async claim(connection: SchemaConnection, { run, fence }: Claimed): Promise<void> {
    await connection.begin()
    try {
      if (!(await this.#isThere(connection))) await createJournalTables(connection, this.#tables)
      const [row] = await connection.query(`SELECT format FROM ${this.#tables.schema} WHERE id = 1`)
      this.#checkFormat(row)
      // Of another run: the state store was deleted, and counts from the beginning again.
      const changed = await connection.run(
        this.#marked(`UPDATE ${this.#tables.schema} SET run = ?, fence = ? WHERE id = 1 AND (run <> ? OR fence <= ?)`),
        [run, fence, run, fence],
      )
      if (changed === 0) throw this.#fenced()
      await connection.commit()
    } finally {
      await connection.rollback()
    }
  }

  /**
   * Locks the journal until the transaction ends, unless somebody else has claimed it.
   *
   * @returns The entry of that revision.
   * @throws `FENCED`
   */
  async hold(
    connection: SchemaConnection,
    { run, fence }: Claimed,
    revision?: string,
  ): Promise<JournalEntry | undefined> {
    const { migrations, schema } = this.#tables
    // SQLite's transaction has the write lock already.
    const lock = this.#dialect === 'postgres' ? ' FOR UPDATE' : ''
    const [held] = await connection.query(
      this.#marked(
        `SELECT (SELECT count(*) FROM ${migrations} WHERE revision = ?) AS entries
         FROM ${schema} WHERE id = 1 AND run = ? AND fence = ?${lock}`,
      ),
      [revision ?? '', run, fence],
    )
    if (held === undefined) throw this.#fenced()
    if (Number(held.entries) === 0) return undefined
    const columns = entryColumns.map((column) => readColumn(this.#dialect, column)).join(', ')
    const [row] = await connection.query(this.#marked(`SELECT ${columns} FROM ${migrations} WHERE revision = ?`), [
      revision,
    ])
    return row === undefined ? undefined : journalEntry(row, this.#where)
  }

  /**
   * As {@link hold}, for revisions of which there has to be no entry.
   *
   * @returns The last one's place in the order of application.
   * @throws `FENCED`, `JOURNAL_INVALID`
   */
  async holdNew(connection: SchemaConnection, claimed: Claimed, revisions: readonly string[]): Promise<number> {
    await this.hold(connection, claimed)
    const { migrations } = this.#tables
    const marks = revisions.map(() => '?').join(', ')
    const [found] = await connection.query(
      this.#marked(
        `SELECT coalesce(max(ordinal), 0) AS last, coalesce(sum(CASE WHEN revision IN (${marks}) THEN 1 ELSE 0 END), 0) AS known
         FROM ${migrations}`,
      ),
      revisions,
    )
    if (Number(found?.known) === 0) return Number(found?.last)
    throw new DroverError('JOURNAL_INVALID', `${this.#where} was written by somebody who has not claimed it.`)
  }

  /** Writes entries of revisions that have none, and what was done with each. */
  async putNew(
    connection: SchemaConnection,
    revisions: readonly { readonly entry: JournalEntry; readonly event: JournalEvent }[],
    last: number,
  ): Promise<void> {
    const { migrations, events } = this.#tables
    const entries = revisions.map(({ entry }, at) => [last + at + 1, ...entryValues(entry)])
    await this.#insert(connection, migrations, ['ordinal', ...entryColumns], entries)
    const told = revisions.map(({ event }) => eventValues(event))
    await this.#insert(connection, events, eventColumns, told)
  }

  /** Writes a revision's entry, in place of the one before. */
  async put(connection: SchemaConnection, entry: JournalEntry): Promise<void> {
    await connection.run(this.#putSql, entryValues(entry))
  }

  async remove(connection: SchemaConnection, revision: string): Promise<void> {
    await connection.run(this.#marked(`DELETE FROM ${this.#tables.migrations} WHERE revision = ?`), [revision])
  }

  async tell(connection: SchemaConnection, event: JournalEvent): Promise<void> {
    await connection.run(this.#tellSql, eventValues(event))
  }

  async #insert(
    connection: SchemaConnection,
    table: string,
    columns: readonly string[],
    rows: readonly (readonly unknown[])[],
  ): Promise<void> {
    let n = 0
    const marked = rows.map(() => `(${columns.map((column) => valueMark(this.#dialect, column, ++n)).join(', ')})`)
    await connection.run(`INSERT INTO ${table} (${columns.join(', ')}) VALUES ${marked.join(', ')}`, rows.flat())
  }

  get #where(): string {
    return `The journal ${this.#tables.migrations.replaceAll('"', '')} of ${this.#name}`
  }

  #marked(sql: string): string {
    let n = 0
    return this.#dialect === 'sqlite' ? sql : sql.replaceAll('?', () => `$${++n}`)
  }

  async #isThere(connection: SchemaConnection): Promise<boolean> {
    const names = [this.#tables.migrations, this.#tables.events, this.#tables.schema]
    // Asked for in a way that leaves a transaction of PostgreSQL whole.
    const found = await connection.query(
      this.#dialect === 'postgres'
        ? `SELECT name FROM unnest(ARRAY[${names.map((name) => `'${name}'`).join(', ')}]) AS name WHERE to_regclass(name) IS NOT NULL`
        : `SELECT name FROM sqlite_master WHERE type = 'table' AND name IN (${names.map((name) => `'${name.replaceAll('"', '')}'`).join(', ')})`,
    )
    return found.length === names.length
  }

  async #unlessMissing(read: () => Promise<readonly Row[]>): Promise<readonly Row[]> {
    try {
      return await read()
    } catch (error) {
      if (isTableMissing(error)) return []
      throw error
    }
  }

  #checkFormat(row: Row | undefined): void {
    if (row === undefined || Number(row.format) === journalFormat) return
    throw new DroverError(
      'JOURNAL_INVALID',
      `${this.#where} has the form ${String(row.format)}, and this release knows ${journalFormat}: a newer release of @drover/schema has written it. Update the package.`,
    )
  }

  #fenced(): DroverError {
    return new DroverError(
      'FENCED',
      `Another process migrates ${this.#name} by now, and this one was away for longer than its lease lasts. Nothing of what it was doing stays; leave the work to the other one.`,
    )
  }
}
