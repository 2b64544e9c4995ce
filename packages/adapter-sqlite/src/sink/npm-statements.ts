import type { NpmChange, NpmDatabase, NpmStatement, SqliteValue } from '../connection/sqlite-connection.js'
import type { Column } from '../schema/table.js'

/** What npm's sqlite3 binds by itself. */
export type NpmValue = null | number | string | Uint8Array

/**
 * Statements of npm's sqlite3 without the connection's care for values: many are under way at once, in order, and their
 * values were found to need none.
 */
export class NpmStatements {
  readonly #prepared = new Map<string, Promise<NpmStatement>>()

  constructor(private readonly database: NpmDatabase) {}

  /** The number of rows that changed; the driver's own error. */
  async run(sql: string, values: readonly NpmValue[]): Promise<number> {
    const statement = await this.#prepare(sql)
    return new Promise((resolve, reject) => {
      statement.run(values, function (this: NpmChange, error) {
        if (error) reject(error)
        else resolve(this.changes)
      })
    })
  }

  /** The database cannot be closed while there are statements of it. */
  async close(): Promise<void> {
    const all = await Promise.allSettled(this.#prepared.values())
    this.#prepared.clear()
    for (const result of all) {
      if (result.status === 'fulfilled') await new Promise<void>((resolve) => result.value.finalize(() => resolve()))
    }
  }

  #prepare(sql: string): Promise<NpmStatement> {
    const known = this.#prepared.get(sql)
    if (known !== undefined) return known
    const preparing = new Promise<NpmStatement>((resolve, reject) => {
      this.database.prepare(sql, function (error) {
        if (error) reject(error)
        else resolve(this)
      })
    })
    this.#prepared.set(sql, preparing)
    preparing.catch(() => this.#prepared.delete(sql))
    return preparing
  }
}

/**
 * A value as the driver binds it so that the column holds what it is to hold; undefined if there is no such way. It binds a
 * bigint as NULL, an integral number as INTEGER up to 32 bits and as REAL beyond: a numeric affinity sets that right.
 */
export function npmValue(value: SqliteValue, { affinity }: Column): NpmValue | undefined {
  if (typeof value === 'number') return affinity === 'BLOB' && (value | 0) === value ? undefined : value
  if (typeof value !== 'bigint') return value
  const number = Number(value)
  if ((number | 0) === number) return affinity === 'TEXT' ? String(value) : number
  if (affinity === 'BLOB') return undefined
  return affinity === 'REAL' ? number : String(value)
}
