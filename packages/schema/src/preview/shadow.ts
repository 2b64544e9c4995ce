import { DroverError } from '@drover/core'
import { readCatalog } from '../catalog/read-catalog.js'
import type { Catalog } from '../contracts/catalog.js'
import type { SchemaConnection } from '../contracts/database.js'
import type { RecordedStep } from '../contracts/steps.js'
import { openDatabase } from '../database/open-database.js'

/**
 * The schema that a script would have made so far, for what has to look at it: steps for SQLite are run in a database in memory, without rows.
 * Where one fails there, nobody knows the schema from then on.
 */
export class Shadow implements AsyncDisposable {
  readonly #end: () => Promise<void>
  #connection: SchemaConnection | undefined

  private constructor(connection: SchemaConnection, end: () => Promise<void>) {
    this.#connection = connection
    this.#end = end
  }

  /** Undefined where no driver of SQLite is installed. */
  static async open(signal: AbortSignal): Promise<Shadow | undefined> {
    try {
      const database = await openDatabase(':memory:')
      const connection = await database.connect({ signal })
      await connection.exec('PRAGMA foreign_keys = OFF')
      return new Shadow(connection, async () => {
        await connection[Symbol.asyncDispose]()
        await database[Symbol.asyncDispose]()
      })
    } catch (error) {
      if (DroverError.isInstance(error, 'PACKAGE_MISSING', 'STORE_UNAVAILABLE')) return undefined
      throw error
    }
  }

  async catalog(): Promise<Catalog | null> {
    const connection = this.#connection
    if (connection === undefined) return null
    return await readCatalog((sql, values) => connection.query(sql, values), 'sqlite')
  }

  async follow(step: RecordedStep): Promise<void> {
    if (step.kind !== 'sql') return
    try {
      await this.#connection?.statement(step.sql, step.values)
    } catch {
      // It needs rows, or a function of the application: what depends on the schema is then unseen, and the script says so.
      this.#connection = undefined
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end()
  }
}
