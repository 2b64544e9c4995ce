import { DroverError } from '@drover/core'
import type { Target } from '../contracts/migrator.js'
import { createMigrator } from '../migrator/create-migrator.js'
import { type CheckOptions, checkCheckOptions } from './check-options.js'
import { contentsOf, differences } from './contents.js'
import type { TestDatabase } from './test-database.js'

export interface DataOptions extends CheckOptions {
  /** Where the rows are brought in. @default 'base' */
  readonly from?: Target
  /** @default 'head' */
  readonly to?: Target
  /** Brings rows in, as an application of that time would have. */
  readonly seed: (database: TestDatabase) => Promise<void>
  /** Values that are meant to change, as `table.column`. @default none */
  readonly except?: readonly string[]
  /** Go back down, and compare again. @default true */
  readonly andBack?: boolean
}

/**
 * Brings rows in, goes up, and back down: rows are neither lost nor changed, as far as both schemas have their tables and columns.
 *
 * @throws `LOSS_REFUSED` with rows and values, and what a revision fails with
 *
 * @example
 * await checkDataPreserved({ database, migrations, from: '002_voice_agent_integration', seed: async ({ query }) => {
 *   await query(`INSERT INTO calls (call_id, phone_number, status, initial_tier) VALUES ('c1', '+15555551234', 'completed', 'tier1')`)
 * } })
 */
export async function checkDataPreserved(options: DataOptions): Promise<void> {
  checkCheckOptions('checkDataPreserved', options, ['from', 'to', 'seed', 'except', 'andBack'])
  const { database, migrations, allow = [], from = 'base', to = 'head', seed, except = [], andBack = true } = options
  await database.reset()
  await using migrator = createMigrator({ connection: database.location, migrations })
  if (from !== 'base') await migrator.up({ to: from, allow })
  await seed(database)
  const before = await contentsOf(database)
  if ([...before.values()].every(({ rows }) => rows.length === 0)) {
    throw new DroverError('OPTION_INVALID', 'checkDataPreserved: seed brought no row in, so nothing can be lost.')
  }
  await migrator.up({ to, allow })
  const compare = async (way: string): Promise<void> => {
    const found = differences(before, await contentsOf(database)).filter(
      (said) => !except.some((name) => said.startsWith(`${name} of `)),
    )
    if (found.length > 0)
      throw new DroverError('LOSS_REFUSED', `On the way ${way} data were lost or changed:\n- ${found.join('\n- ')}`)
  }
  await compare(`from ${from} to ${to}`)
  if (!andBack) return
  await migrator.down({ to: from, acceptLoss: true })
  if (from !== 'base') await compare(`from ${from} to ${to} and back`)
}
