import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Field, Row } from '@drover/core'
import { openSqlite } from '../connection/open-sqlite.js'
import { quoteName } from '../connection/quote-name.js'
import type { SqliteConnection, SqliteDriver, SqliteValue } from '../connection/sqlite-connection.js'

export const drivers: readonly SqliteDriver[] = ['better-sqlite3', 'sqlite3']

/**
 * A database file of a test, looked into by connections of the driver that is tested: two copies of SQLite in one process
 * do not see each other's locks (https://www.sqlite.org/howtocorrupt.html, 2.2.1).
 */
export class TestDatabase implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'drover-sqlite-'))
  readonly file: string

  constructor(
    readonly driver: SqliteDriver,
    name = 'test.db',
  ) {
    this.file = join(this.folder, name)
  }

  async open(): Promise<SqliteConnection> {
    return openSqlite({ filename: this.file, driver: this.driver, busyTimeoutMs: 0 })
  }

  async exec(sql: string): Promise<void> {
    await using connection = await this.open()
    await connection.exec(sql)
  }

  /** Rows as arrays, INTEGER as bigint and REAL as number. */
  async exact(sql: string): Promise<SqliteValue[][]> {
    await using connection = await this.open()
    return await connection.all(sql, [], { integers: 'bigint' })
  }

  /** Rows as records of these fields, as a source would give them; a name alone is no field of type `any`. */
  async records(table: string, fields: readonly (string | Pick<Field, 'name' | 'type'>)[]): Promise<Row[]> {
    const columns = fields.map((field) =>
      typeof field === 'string'
        ? { name: field, isAny: false }
        : { name: field.name, isAny: field.type.kind === 'any' },
    )
    const rows = await this.exact(
      `SELECT ${columns.map(({ name }) => quoteName(name)).join(', ')} FROM ${quoteName(table)}`,
    )
    return rows.map((row) =>
      Object.fromEntries(columns.map(({ name, isAny }, i) => [name, isAny ? row[i] : narrowed(row[i])])),
    )
  }

  /** The first value of the first row. */
  async value(sql: string): Promise<SqliteValue | undefined> {
    await using connection = await this.open()
    return (await connection.get(sql))?.[0]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.folder, { recursive: true })
  }
}

/** An integer as a number where a number can be it. */
function narrowed(value: SqliteValue | undefined): unknown {
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value
}
