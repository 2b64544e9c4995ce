import { DroverError, type Field } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { quoteName } from '../connection/quote-name.js'
import { columnType, knownTypes } from './create-table.js'
import type { Table } from './table.js'

/** While it waits, everybody else who wants the table waits behind it. */
const longestWaitMs = 5_000
/** The rest would be cut off without a word: NAMEDATALEN. */
const mostNameBytes = 63

/**
 * Adds a column for each of the fields, unless it is there: one that can be null, of the type that a table made for such records would
 * have. A transaction of its own.
 *
 * @throws `SINK_NOT_READY` for a name that is too long; `STORE_BUSY` if somebody keeps the table locked; `STORE_DENIED` if it is not this user's.
 */
export async function addColumns(
  connection: PostgresConnection,
  table: Table,
  fields: readonly Field[],
  lockTimeoutMs = longestWaitMs,
): Promise<void> {
  const long = fields.find(({ name }) => Buffer.byteLength(name) > mostNameBytes)
  if (long !== undefined) {
    throw new DroverError(
      'SINK_NOT_READY',
      `${connection.name}: ${table.sql} cannot get a column "${long.name}", whose name has more than ${mostNameBytes} bytes; rename the field, or leave it out.`,
    )
  }
  const known = await knownTypes(connection, fields)
  const added = fields.map((field) => `ADD COLUMN IF NOT EXISTS ${quoteName(field.name)} ${columnType(field, known)}`)
  const names = fields.map(({ name }) => `"${name}"`).join(', ')
  const doing = `adding the columns ${names} to ${table.sql} of ${connection.name}`
  try {
    await connection.transaction(() => connection.exec(`ALTER TABLE ${table.sql} ${added.join(', ')}`, { doing }), {
      lockTimeoutMs,
    })
  } catch (error) {
    if (!DroverError.isInstance(error, 'STORE_DENIED')) throw error
    throw new DroverError(
      'STORE_DENIED',
      `${connection.name}: this user may not add the columns ${names} to ${table.sql}, which only its owner may. Have the owner add them, or write with newColumns: 'ignore'.`,
      { cause: error.cause },
    )
  }
}
