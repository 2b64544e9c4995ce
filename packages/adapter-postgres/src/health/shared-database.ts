import type { Operation } from '@drover/core'
import { openPostgres, type PostgresDatabase } from '../connection/open-postgres.js'
import type { PostgresLocation } from '../connection/postgres-location.js'

/** One database for several signals: opened by the first that asks, closed behind the last that is closed. */
export class SharedDatabase {
  readonly #users = new Set<string>()
  #database: Promise<PostgresDatabase> | undefined

  constructor(private readonly location: PostgresLocation) {}

  async query<R>(user: string, sql: string, operation: Operation): Promise<readonly R[]> {
    this.#users.add(user)
    const database = await this.#opened(operation)
    const { rows } = await database.query<R>(sql, [], {
      ...operation,
      doing: `reading the ${user} of ${database.name}`,
    })
    return rows
  }

  async close(user: string): Promise<void> {
    this.#users.delete(user)
    if (this.#users.size > 0 || this.#database === undefined) return
    const database = this.#database
    this.#database = undefined
    // What could not be opened needs no closing, and was told.
    await (await database.catch(() => undefined))?.[Symbol.asyncDispose]()
  }

  #opened(operation: Operation): Promise<PostgresDatabase> {
    const opening = this.#database ?? openPostgres({ applicationName: 'drover health', ...this.location }, operation)
    this.#database = opening
    opening.catch(() => {
      // The next reading tries anew.
      if (this.#database === opening) this.#database = undefined
    })
    return opening
  }
}
