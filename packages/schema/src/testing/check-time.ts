import { checkWholeNumber, DroverError } from '@drover/core'
import type { Target } from '../contracts/migrator.js'
import { createMigrator } from '../migrator/create-migrator.js'
import { type CheckOptions, checkCheckOptions } from './check-options.js'
import type { TestDatabase } from './test-database.js'

export interface TimeOptions extends CheckOptions {
  /** How long one revision may take, in milliseconds. */
  readonly budgetMs: number
  /** Other budgets, by revision. */
  readonly budgetsMs?: Readonly<Record<string, number>>
  /** Brings in as many rows as there are in production, at `from`. */
  readonly seed?: (database: TestDatabase) => Promise<void>
  readonly from?: Target
}

/**
 * Goes up and compares how long each revision took with its budget.
 *
 * @returns milliseconds by revision
 * @throws `BASELINE_WORSE` with each revision that took longer
 */
export async function checkTimeBudget(options: TimeOptions): Promise<ReadonlyMap<string, number>> {
  const where = 'checkTimeBudget'
  checkCheckOptions(where, options, ['budgetMs', 'budgetsMs', 'seed', 'from'])
  const { database, migrations, allow = [], budgetMs, budgetsMs = {}, seed, from = 'base' } = options
  checkWholeNumber(where, 'budgetMs', budgetMs, 0)
  await database.reset()
  await using migrator = createMigrator({ connection: database.location, migrations })
  if (from !== 'base') await migrator.up({ to: from, allow })
  await seed?.(database)
  const { revisions } = await migrator.up({ to: 'heads', allow })
  const late = revisions.filter(({ id, durationMs }) => durationMs > (budgetsMs[id] ?? budgetMs))
  if (late.length > 0) {
    const said = late.map(
      ({ id, durationMs }) => `${id} took ${Math.round(durationMs)} ms of ${budgetsMs[id] ?? budgetMs}`,
    )
    throw new DroverError('BASELINE_WORSE', `Revisions took longer than they may: ${said.join('; ')}.`)
  }
  return new Map(revisions.map(({ id, durationMs }) => [id, durationMs]))
}
