import type { DatabaseTable } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { readTable } from '../schema/read-table.js'
import { setSequences } from '../sink/sequences.js'

/** Moves the sequences of all tables behind their rows: that of a table which got none now, too. */
export async function moveSequences(
  connection: PostgresConnection,
  schema: string,
  tables: readonly DatabaseTable[],
): Promise<void> {
  for (const { name } of tables) {
    const table = await readTable(connection, `${schema}.${name}`)
    if (table !== null) await setSequences(connection, table)
  }
}
