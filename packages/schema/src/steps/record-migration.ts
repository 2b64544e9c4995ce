import { DroverError } from '@drover/core'
import type { Dialect, Migration } from '../contracts/migration.js'
import type { RecordedStep } from '../contracts/steps.js'
import { markChanging } from './changing-value.js'
import { migrationContext } from './migration-context.js'
import { PreviewSteps, type PreviewStepsOptions } from './preview-steps.js'

/**
 * What a revision would do, without a database.
 *
 * @throws `IRREVERSIBLE`; `REVISION_INVALID` for a revision that fails before it has read anything, and what its calls throw.
 */
export async function recordMigration(
  migration: Migration,
  direction: 'up' | 'down',
  dialect: Dialect,
  options: Omit<PreviewStepsOptions, 'dialect' | 'transaction' | 'revision'> = {},
): Promise<RecordedStep[]> {
  const steps = await record(migration, direction, dialect, options)
  // With a schema that the steps have changed meanwhile, it would not be the same a second time.
  if (options.catalog !== undefined || options.onStep !== undefined) return steps
  return await markChanging(steps, () => record(migration, direction, dialect, options))
}

async function record(
  migration: Migration,
  direction: 'up' | 'down',
  dialect: Dialect,
  options: Omit<PreviewStepsOptions, 'dialect' | 'transaction'>,
): Promise<RecordedStep[]> {
  const body = direction === 'up' ? migration.up : wayBack(migration)
  const steps = new PreviewSteps({
    ...options,
    dialect,
    transaction: migration.transaction ?? 'one',
    revision: migration.id,
  })
  try {
    await body(migrationContext(steps, steps))
  } catch (error) {
    if (DroverError.isInstance(error)) throw error
    const said = error instanceof Error ? error.message : String(error)
    if (!steps.hasRead) {
      const failure = `${migration.id} fails on its way ${direction}, whatever is in the database: ${said}`
      throw new DroverError('REVISION_INVALID', failure, { cause: error })
    }
    steps.unseen(`without the rows that it reads, ${migration.id} fails here: ${said}`)
  }
  return steps.recorded
}

function wayBack({ id, down }: Migration): Extract<Migration['down'], (...parameters: never[]) => unknown> {
  if (typeof down === 'function') return down
  const why = down === undefined ? 'it has no down' : down.irreversible
  throw new DroverError('IRREVERSIBLE', `${id} cannot be taken back: ${why}.`)
}
