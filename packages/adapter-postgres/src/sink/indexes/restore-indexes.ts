import { checkOptionNames, checkText, DroverError, suggestNames } from '@drover/core'
import { openPostgres } from '../../connection/open-postgres.js'
import { checkLocation, locationOptions, type PostgresLocation } from '../../connection/postgres-location.js'
import { readTable, tableNames } from '../../schema/read-table.js'
import {
  checkStateLocation,
  ensureStateTables,
  type StateLocation,
  stateLocationOptions,
  stateTables,
} from '../../state/state-tables.js'
import { pick } from '../pick.js'
import { buildMissing } from './build-missing.js'
import { IndexStore } from './index-store.js'

/** Options of {@link restoreIndexes}: those of the sink that took the indexes off. */
export interface RestoreIndexesOptions extends PostgresLocation, StateLocation {
  readonly table: string
  readonly signal?: AbortSignal
}

/**
 * Builds the indexes of a table again that a run with `indexes: 'after'` took off and, because it was stopped or killed, has not
 * given back. Gives the names of those that it built; a run that goes on afterwards writes with them.
 *
 * @throws `OPTION_INVALID`, `SOURCE_NOT_FOUND`, `SINK_NOT_READY` (an index cannot be built), `STORE_BUSY`, `STORE_FULL`, `STORE_DENIED`,
 * `STORE_UNAVAILABLE`
 *
 * @example
 * await restoreIndexes({ connection: process.env.DATABASE_URL, table: 'messages' })
 */
export async function restoreIndexes(options: RestoreIndexesOptions): Promise<readonly string[]> {
  const caller = 'restoreIndexes'
  checkOptionNames(caller, options, [...locationOptions, ...stateLocationOptions, 'table', 'signal'])
  checkLocation(caller, options)
  checkStateLocation(caller, options)
  checkText(caller, 'table', options.table)
  const { signal = new AbortController().signal } = options
  await using database = await openPostgres(pick(options, locationOptions), { signal })
  const state = stateTables(options)
  const target = await found(options.table)
  const { name } = database
  const where = `table "${options.table}" of ${name}`
  const { lockTimeoutMs } = options
  const what = { store: new IndexStore(state), target, where, warn: undefined, lockTimeoutMs }
  return await buildMissing(database, what, { signal })

  async function found(table: string): Promise<string> {
    await using connection = await database.connect({ signal })
    await ensureStateTables(connection, state)
    const there = await readTable(connection, table)
    if (there !== null) return there.sql
    const suggested = suggestNames(table, await tableNames(connection))
    throw new DroverError('SOURCE_NOT_FOUND', `${database.name}: there is no table "${table}"${suggested}`)
  }
}
