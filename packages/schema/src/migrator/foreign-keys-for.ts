import { readCatalog } from '../catalog/read-catalog.js'
import { isDropByRebuild } from '../changes/drop-columns.js'
import type { SchemaConnection } from '../contracts/database.js'
import type { RecordedStep } from '../contracts/steps.js'

/**
 * A table of SQLite that is dropped to be made anew takes the rows with it that refer to it, unless nobody looks. Whether a column can be dropped
 * in place only the table says.
 */
export async function foreignKeysFor(
  steps: readonly RecordedStep[],
  connection: SchemaConnection,
): Promise<'on' | 'off'> {
  if (connection.dialect !== 'sqlite') return 'on'
  const calls = steps.flatMap((step) => (step.kind === 'backfill' ? [] : (step.by ?? [])))
  if (calls.some((by) => by.startsWith('rebuildTable '))) return 'off'
  if (!calls.some((by) => by.startsWith('dropColumn '))) return 'on'
  const catalog = await readCatalog((sql, values) => connection.query(sql, values), 'sqlite')
  return steps.some((step) => isDropByRebuild(step, catalog)) ? 'off' : 'on'
}
