import { DroverError } from '@drover/core'
import { bindLosslessly } from './placeholders.js'
import { quoteName } from './quote-name.js'
import type {
  NpmChange,
  NpmDatabase,
  NpmStatement,
  SqliteChange,
  SqliteIntegers,
  SqliteObjects,
  SqliteValue,
} from './sqlite-connection.js'
import type { SqliteHandle } from './sqlite-handle.js'

/**
 * The handle of npm's sqlite3. It reads integers as doubles and says nothing when one is rounded, gives 1.0 and 1 as the
 * same, and binds a bigint as NULL: so integers and texts travel as texts with a letter in front, both ways.
 */
export class NpmHandle implements SqliteHandle {
  readonly native: { readonly driver: 'sqlite3'; readonly database: NpmDatabase }
  readonly #database: NpmDatabase
  readonly #statements = new Map<string, Promise<NpmStatement>>()
  /** The names of the columns that a statement gives, once it gave a row. */
  readonly #columns = new Map<string, readonly string[]>()

  constructor(database: NpmDatabase) {
    this.#database = database
    this.native = { driver: 'sqlite3', database }
  }

  async all(sql: string, values: readonly SqliteValue[], integers: SqliteIntegers): Promise<SqliteValue[][]> {
    if (!/^\s*(?:SELECT|WITH|VALUES)\b/i.test(sql)) return (await this.#objects(sql, values)).map(plainRow)
    let columns = this.#columns.get(sql)
    if (!columns) {
      const [first] = await this.#objects(`SELECT * FROM (${sql}\n) LIMIT 1`, values)
      if (!first) return []
      columns = Object.keys(first)
      this.#columns.set(sql, columns)
    }
    const rows = await this.#objects(tagged(sql, columns.length), values)
    return rows.map((row) => Object.values(row).map(integers === 'bigint' ? exactValue : safeValue))
  }

  async each(sql: string, values: readonly SqliteValue[], visit: (row: readonly unknown[]) => boolean): Promise<void> {
    for (const row of await this.#objects(sql, values)) if (!visit(Object.values(row))) return
  }

  async run(sql: string, values: readonly SqliteValue[]): Promise<SqliteChange> {
    const bound = bindLosslessly(sql, values)
    const statement = await this.#prepare(bound.sql)
    return new Promise((resolve, reject) => {
      statement.run(bound.values, function (this: NpmChange, error) {
        if (error) rejectReset(statement, error, reject)
        else resolve({ changes: this.changes, lastRowid: this.lastID })
      })
    })
  }

  async objects(sql: string, values: readonly SqliteValue[]): Promise<SqliteObjects> {
    if (
      /^\s*(?:SELECT|VALUES)\b/i.test(sql) ||
      (/^\s*WITH\b/i.test(sql) && !/\b(?:INSERT|UPDATE|DELETE|REPLACE)\b/i.test(sql))
    ) {
      const rows = await this.#readObjects(sql, values)
      return { rows, changes: rows.length, lastRowid: 0 }
    }
    if (/^\s*(?:PRAGMA|EXPLAIN)\b/i.test(sql)) {
      const rows = (await this.#once(sql, values)).map(plainObject)
      return { rows, changes: rows.length, lastRowid: 0 }
    }
    // A statement that gives rows and is only run stops at its first one. Of others, all of them are none.
    const before = await this.#totalChanges()
    const rows = (await this.#once(sql, values)).map(plainObject)
    const [after] = await this.#once(
      'SELECT changes() AS changed, total_changes() AS total, last_insert_rowid() AS last',
      [],
    )
    const changes = rows.length > 0 ? rows.length : after?.total === before ? 0 : Number(after?.changed)
    return { rows, changes, lastRowid: Number(after?.last) }
  }

  exec(sql: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#database.exec(sql, (error) => (error ? reject(error) : resolve()))
    })
  }

  async release(): Promise<void> {
    const statements = [...this.#statements.values()]
    this.#statements.clear()
    // A statement that could not be prepared has said so to whoever wanted it.
    for (const result of await Promise.allSettled(statements)) {
      if (result.status === 'fulfilled') await new Promise<void>((resolve) => result.value.finalize(() => resolve()))
    }
  }

  async #readObjects(sql: string, values: readonly SqliteValue[]): Promise<Record<string, SqliteValue>[]> {
    const [first] = await this.#once(`SELECT * FROM (${sql}\n) LIMIT 1`, values)
    if (first === undefined) return []
    // SQLite tells columns of one name apart in a subquery: `id`, `id:1`.
    const names = Object.keys(first).map((name, _, all) => {
      const plain = name.replace(/:\d+$/, '')
      return all.includes(plain) ? plain : name
    })
    const rows = await this.#once(tagged(sql, names.length), values)
    return rows.map((row) => {
      const found = Object.values(row)
      return Object.fromEntries(names.map((name, i) => [name, safeValue(found[i])]))
    })
  }

  async #totalChanges(): Promise<unknown> {
    const [row] = await this.#once('SELECT total_changes() AS total', [])
    return row?.total
  }

  /** Prepares a statement, runs it, and forgets it. */
  async #once(sql: string, values: readonly SqliteValue[]): Promise<Record<string, unknown>[]> {
    const bound = bindLosslessly(sql, values)
    const statement = await this.#prepareNew(bound.sql)
    return new Promise((resolve, reject) => {
      statement.all(bound.values, (error, rows) => {
        statement.finalize(() => (error ? reject(error) : resolve(rows)))
      })
    })
  }

  async #objects(sql: string, values: readonly SqliteValue[]): Promise<Record<string, unknown>[]> {
    const bound = bindLosslessly(sql, values)
    const statement = await this.#prepare(bound.sql)
    return new Promise((resolve, reject) => {
      statement.all(bound.values, (error, rows) => (error ? rejectReset(statement, error, reject) : resolve(rows)))
    })
  }

  #prepare(sql: string): Promise<NpmStatement> {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const preparing = this.#prepareNew(sql)
    this.#statements.set(sql, preparing)
    preparing.catch(() => this.#statements.delete(sql))
    return preparing
  }

  #prepareNew(sql: string): Promise<NpmStatement> {
    return new Promise((resolve, reject) => {
      this.#database.prepare(sql, function (error) {
        if (error) reject(error)
        else resolve(this)
      })
    })
  }
}

/** The driver leaves a statement that failed where it stands: it would hold the snapshot it saw even behind a ROLLBACK. */
function rejectReset(statement: NpmStatement, error: Error, reject: (error: Error) => void): void {
  statement.reset(() => reject(error))
}

/** The same rows with a letter before integers (i) and texts (t); REAL, BLOB and NULL are exact as they are. */
function tagged(sql: string, count: number): string {
  const names = Array.from({ length: count }, (_, i) => quoteName(`c${i}`))
  const columns = names.map(
    (name) =>
      `CASE typeof(${name}) WHEN 'integer' THEN 'i' || ${name} WHEN 'text' THEN 't' || ${name} ELSE ${name} END`,
  )
  const named = columns.map((column, i) => `${column} AS ${names[i]}`)
  return `WITH drover_rows(${names.join(', ')}) AS (${sql}\n) SELECT ${named.join(', ')} FROM drover_rows`
}

function exactValue(value: unknown): SqliteValue {
  if (typeof value !== 'string') return value as SqliteValue
  return value.startsWith('i') ? BigInt(value.slice(1)) : value.slice(1)
}

function safeValue(value: unknown): SqliteValue {
  if (typeof value !== 'string') return value as SqliteValue
  if (!value.startsWith('i')) return value.slice(1)
  const number = Number(value.slice(1))
  return Number.isSafeInteger(number) ? number : BigInt(value.slice(1))
}

function plainRow(row: Record<string, unknown>): SqliteValue[] {
  return Object.values(plainObject(row))
}

function plainObject(row: Record<string, unknown>): Record<string, SqliteValue> {
  for (const [name, value] of Object.entries(row)) {
    if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER) {
      throw new DroverError(
        'CONTRACT_BROKEN',
        `The driver sqlite3 gives "${name}" of a RETURNING clause as ${value}, which may be rounded: read it by a SELECT.`,
      )
    }
  }
  return row as Record<string, SqliteValue>
}
