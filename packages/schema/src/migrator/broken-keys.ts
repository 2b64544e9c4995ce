import { DroverError } from '@drover/core'
import type { SchemaConnection } from '../contracts/database.js'

/** Rows of SQLite that refer to nothing, by table, rowid and parent. */
export async function brokenKeys(connection: SchemaConnection): Promise<ReadonlySet<string>> {
  const rows = await connection.query('PRAGMA foreign_key_check')
  return new Set(rows.map(({ table, rowid, parent }) => JSON.stringify([table, String(rowid), parent])))
}

/** While foreign keys were off nobody has looked. @throws `FOREIGN_KEY_BROKEN` */
export async function refuseNewlyBroken(
  connection: SchemaConnection,
  before: ReadonlySet<string>,
  id: string,
): Promise<void> {
  const broken = [...(await brokenKeys(connection))].filter((key) => !before.has(key))
  if (broken.length === 0) return
  const shown = broken.slice(0, 5).map((key) => {
    const [table, rowid, parent] = JSON.parse(key) as [string, string, string]
    return `row ${rowid} of ${table} refers to no row of ${parent}`
  })
  const more = broken.length > shown.length ? ` and ${broken.length - shown.length} more` : ''
  throw new DroverError(
    'FOREIGN_KEY_BROKEN',
    `${id} breaks foreign keys: ${shown.join(', ')}${more}. Nothing of it stays.`,
  )
}
