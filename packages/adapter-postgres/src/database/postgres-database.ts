import { checkOptionNames, checkText, type Database, DroverError } from '@drover/core'
import { checkLocation, locationName, locationOptions, type PostgresLocation } from '../connection/postgres-location.js'
import { pick } from '../sink/pick.js'
import { postgresStateStore } from '../state/postgres-state-store.js'
import { checkStateLocation, type StateLocation, stateLocationOptions } from '../state/state-tables.js'
import { openSession } from './database-session.js'

/** Options of {@link postgresDatabase}. */
export interface PostgresDatabaseOptions extends PostgresLocation, StateLocation {
  /** The schema whose tables are copied, or that tables are copied to: it is created if it is not there. @default 'public' */
  readonly schema?: string
}

/**
 * The tables of one schema of a PostgreSQL database, for `copyDatabase`. Tables are created with their keys. Sequences are set and
 * foreign keys added once all rows are there: `NOT VALID` first and validated behind that, so that nobody waits for long;
 * `lockTimeoutMs` is then 5 seconds by default.
 *
 * @throws `OPTION_INVALID`
 *
 * @example
 * await copyDatabase({ from: sqliteDatabase({ filename: 'chat.db' }), to: postgresDatabase({ schema: 'chat' }) })
 */
export function postgresDatabase(options: PostgresDatabaseOptions = {}): Database {
  const where = 'postgresDatabase'
  checkOptionNames(where, options, [...locationOptions, ...stateLocationOptions, 'schema'])
  checkLocation(where, options)
  checkStateLocation(where, options)
  const { schema = 'public' } = options
  checkText(where, 'schema', schema)
  if (schema.includes('.'))
    throw new DroverError('OPTION_INVALID', `${where}: schema has a dot, which stands between schema and table.`)
  const location = pick(options, locationOptions)
  const state = pick(options, stateLocationOptions)
  return {
    specVersion: 1,
    name: `postgres ${locationName(options)}${schema === 'public' ? '' : ` ${schema}`}`,
    batchSize: 20_000,
    limits: { bytes: 32 * 1024 * 1024 },
    stateStore: () => postgresStateStore({ ...location, ...state }),
    connect: (operation) => openSession({ location, state, schema }, operation),
  }
}
