import { DroverError } from '@drover/core'
import type {
  BetterDatabase,
  BetterStatement,
  SqliteChange,
  SqliteIntegers,
  SqliteObjects,
  SqliteValue,
} from './sqlite-connection.js'
import type { SqliteHandle } from './sqlite-handle.js'

/** better-sqlite3's handle: synchronous, and exact once integers are read as bigint. */
export class BetterHandle implements SqliteHandle {
  readonly native: { readonly driver: 'better-sqlite3'; readonly database: BetterDatabase }
  readonly #database: BetterDatabase
  readonly #statements = new Map<string, Prepared>()

  constructor(database: BetterDatabase) {
    this.#database = database
    this.native = { driver: 'better-sqlite3', database }
  }

  all(sql: string, values: readonly SqliteValue[], integers: SqliteIntegers): SqliteValue[][] {
    const prepared = this.#prepare(sql)
    if (integers === 'bigint') return prepared.read(values, true)
    if (!prepared.hasLarge) {
      const rows = prepared.read(values, false)
      if (!rows.some(isLarge)) return rows
      // A number that large may be an INTEGER that was rounded: from now on this statement is read exactly.
      prepared.hasLarge = true
    }
    const rows = prepared.read(values, true)
    for (const row of rows) makeSafe(row)
    return rows
  }

  each(
    sql: string,
    values: readonly SqliteValue[],
    visit: (row: readonly unknown[]) => boolean,
    integers: SqliteIntegers,
  ): void {
    const statement = this.#prepare(sql).exactly(integers === 'bigint')
    for (const row of statement.iterate(...checked(values))) if (!visit(row as unknown[])) return
  }

  run(sql: string, values: readonly SqliteValue[]): SqliteChange {
    const { changes, lastInsertRowid } = this.#prepare(sql).statement.run(...checked(values))
    return { changes, lastRowid: Number(lastInsertRowid) }
  }

  objects(sql: string, values: readonly SqliteValue[]): SqliteObjects {
    const statement = this.#database.prepare(sql)
    if (!statement.reader) {
      const { changes, lastInsertRowid } = statement.run(...checked(values))
      return { rows: [], changes, lastRowid: Number(lastInsertRowid) }
    }
    const read = statement.raw(true).safeIntegers(true)
    const rows = read.all(...checked(values)) as SqliteValue[][]
    // Asked for behind it: the schema that it was prepared for may be an old one, and running it is what finds that out.
    const names = statement.columns().map(({ name }) => name)
    const [last] = this.#database.prepare('SELECT last_insert_rowid()').raw(true).all() as [[number]]
    return { rows: rows.map((row) => objectOf(names, row)), changes: rows.length, lastRowid: last[0] }
  }

  exec(sql: string): void {
    this.#database.exec(sql)
  }

  release(): void {
    this.#statements.clear()
  }

  #prepare(sql: string): Prepared {
    const known = this.#statements.get(sql)
    if (known) return known
    const prepared = new Prepared(this.#database.prepare(sql))
    if (this.#statements.size >= 200) this.#statements.clear()
    this.#statements.set(sql, prepared)
    return prepared
  }
}

class Prepared {
  readonly statement: BetterStatement
  hasLarge = false
  #isExact = false

  constructor(statement: BetterStatement) {
    this.statement = statement
    if (statement.reader) statement.raw(true).safeIntegers(false)
  }

  read(values: readonly SqliteValue[], isExact: boolean): SqliteValue[][] {
    return this.exactly(isExact).all(...checked(values)) as SqliteValue[][]
  }

  exactly(isExact: boolean): BetterStatement {
    if (isExact !== this.#isExact) {
      this.statement.safeIntegers(isExact)
      this.#isExact = isExact
    }
    return this.statement
  }
}

function objectOf(names: readonly string[], row: SqliteValue[]): Record<string, SqliteValue> {
  makeSafe(row)
  const object: Record<string, SqliteValue> = {}
  for (const [i, name] of names.entries()) object[name] = row[i] ?? null
  return object
}

/** The driver says of an integer beyond 64 bits that a "string, buffer, or bigint is too big". */
function checked(values: readonly SqliteValue[]): readonly SqliteValue[] {
  for (const value of values) {
    if (typeof value === 'bigint' && BigInt.asIntN(64, value) !== value) {
      throw new DroverError('RECORD_REFUSED', `SQLite holds integers of 64 bits: ${value} has more.`)
    }
  }
  return values
}

function isLarge(row: readonly SqliteValue[]): boolean {
  for (const value of row) {
    if (typeof value === 'number' && (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER)) return true
  }
  return false
}

/** Turns each bigint of a row into a number where a number can be it. */
export function makeSafe(row: SqliteValue[]): void {
  for (let i = 0; i < row.length; i++) {
    const value = row[i]
    if (typeof value === 'bigint' && value <= 9007199254740991n && value >= -9007199254740991n) row[i] = Number(value)
  }
}
