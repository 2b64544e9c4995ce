import type { Operation, SinkOperation } from '@drover/core'
import { DroverError } from '@drover/core'
import type { PostgresDatabase } from '../../connection/open-postgres.js'
import type { Table } from '../../schema/table.js'
import type { StateTables } from '../../state/state-tables.js'
import { buildMissing } from './build-missing.js'
import { IndexStore } from './index-store.js'
import { type SecondaryIndex, secondaryIndexes } from './secondary-index.js'

/**
 * What becomes of secondary indexes while a run writes. `keep`: nothing. `after`: of a table that has no rows yet they are dropped, and
 * built again once the run is complete. `after-always`: also of a table that has rows.
 */
export type IndexPolicy = 'keep' | 'after' | 'after-always'

export const indexPolicies: readonly IndexPolicy[] = ['keep', 'after', 'after-always']

/** DROP INDEX stops everybody who reads the table, and so does waiting for it. The engine comes back later. */
const longestDropMs = 5_000

export interface TargetIndexesOptions {
  readonly policy: IndexPolicy
  readonly state: StateTables
  readonly lockTimeoutMs: number | undefined
  /** Database and table, for messages. */
  readonly where: string
  readonly voice: Pick<SinkOperation, 'warn' | 'info'>
}

/** The secondary indexes of the table that a run writes to. */
export class TargetIndexes {
  readonly #store: IndexStore

  constructor(
    private readonly database: PostgresDatabase,
    private readonly options: TargetIndexesOptions,
  ) {
    this.#store = new IndexStore(options.state)
  }

  /**
   * Before the first row: takes them off, by the policy; what they were like is stored in the same transaction.
   *
   * @throws `STORE_BUSY` if somebody keeps the table locked; `STORE_DENIED` if this user could not build them again.
   */
  async begin(table: Table, { signal }: Operation): Promise<void> {
    const { policy, voice, where, lockTimeoutMs = longestDropMs, state } = this.options
    await using connection = await this.database.connect({ signal })
    if (policy === 'keep') {
      const missing = await this.#store.missing(connection, table.sql)
      if (missing.length > 0) voice.warn?.({ code: 'INDEXES', message: this.#areOff(table, missing) })
      return
    }
    const doing = `dropping the indexes of ${where}, which are built again when the run is complete`
    const indexes = await connection.transaction(
      async () => {
        await this.#store.lock(connection, table.sql)
        const found = await secondaryIndexes(connection, table.oid as number)
        if (found.length === 0) return []
        if (policy === 'after') {
          const { rows } = await connection.query(`SELECT FROM ${table.sql} LIMIT 1`, [], { doing })
          if (rows.length > 0) {
            this.#areKept(found)
            return []
          }
        }
        refuseLacking(found, where)
        await this.#store.add(connection, table.sql, found)
        const dropped = found.filter(({ isPart }) => !isPart).map(({ name }) => name)
        await connection.exec(`DROP INDEX ${dropped.join(', ')}`, { doing })
        return found
      },
      { lockTimeoutMs },
    )
    if (indexes.length === 0) return
    const names = indexes.map(({ name }) => name).join(', ')
    voice.info?.(
      `${where}: ${indexes.length} indexes are off until the run is complete (${names}); what they were like is in ${state.indexes}`,
    )
  }

  /** After the last row: builds those that are off, whichever run took them off; else says which these are. */
  async end(table: Table, outcome: 'completed' | 'stopped' | 'failed', { signal }: Operation): Promise<void> {
    const { policy, voice, where, lockTimeoutMs } = this.options
    if (policy === 'keep') return
    if (outcome === 'completed') {
      const what = { store: this.#store, target: table.sql, where, warn: voice.warn, lockTimeoutMs }
      await buildMissing(this.database, what, { signal })
      return
    }
    await using connection = await this.database.connect({ signal })
    const missing = await this.#store.missing(connection, table.sql)
    if (missing.length > 0) voice.warn?.({ code: 'INDEXES', message: this.#areOff(table, missing) })
  }

  #areOff(table: Table, missing: readonly string[]): string {
    return `${this.options.where} is without ${missing.length} of its indexes: ${missing.join(', ')}. The next run with indexes: 'after' that completes there builds them again, a resumed one too. To have them back at once, call restoreIndexes() of @drover/adapter-postgres, or in psql: ${this.#store.byHand(table.sql)}`
  }

  #areKept(found: readonly SecondaryIndex[]): void {
    const { voice, where } = this.options
    voice.warn?.({
      code: 'INDEXES',
      message: `${where} has rows already, so its ${found.length === 1 ? 'index is' : `${found.length} indexes are`} kept while the run writes: somebody may be reading by them. indexes: 'after-always' takes them off all the same.`,
    })
  }
}

/** Before anything is dropped: what could not be built again stays. */
function refuseLacking(found: readonly SecondaryIndex[], where: string): void {
  const lacking = found.find(({ lacks }) => lacks !== null)
  if (lacking === undefined) return
  throw new DroverError(
    'STORE_DENIED',
    `${where}: its indexes are kept, because this user could not build ${lacking.name} again: it lacks ${lacking.lacks}. Grant that, or write with indexes: 'keep'.`,
  )
}
