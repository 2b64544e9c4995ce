import { checkChoice, checkOptionNames, checkText, DroverError, type StartupTask } from '@drover/core'
import type { EnsureOptions, Migrator } from '../contracts/migrator.js'

/** Options of {@link migrationTask}. */
export interface MigrationTaskOptions {
  readonly migrator: Migrator
  /** As `ensure` takes it. @default 'apply' */
  readonly mode?: EnsureOptions['mode']
  /** @default 'schema' */
  readonly name?: string
}

/**
 * Migrations as a task of `onStartup`: those behind it begin when the schema is what the code needs. The lease is kept in the database that is
 * migrated, whatever store the start-up has.
 *
 * @throws `OPTION_INVALID`
 *
 * @example
 * await onStartup({ state, whenHeld: 'wait', tasks: [migrationTask({ migrator }), backfillTask({ backfiller, state })] })
 */
export function migrationTask(options: MigrationTaskOptions): StartupTask {
  const where = 'migrationTask'
  checkOptionNames(where, options, ['migrator', 'mode', 'name'])
  const { migrator, mode = 'apply', name = 'schema' } = options
  checkText(where, 'name', name)
  checkChoice(where, 'mode', mode, ['apply', 'verify', 'wait'])
  if (typeof migrator?.ensure !== 'function')
    throw new DroverError('OPTION_INVALID', `${where}: migrator is what createMigrator() gives.`)
  return {
    name,
    run: async ({ signal, whenHeld }) => {
      const { status, revisions } = await migrator.ensure({ mode, whenHeld, signal })
      if (status === 'nothing') return { status: 'nothing', worked: false }
      const reason = revisions.length === 0 ? 'another instance has applied them' : `applied ${revisions.join(', ')}`
      return { status: 'completed', reason, worked: status === 'applied' }
    },
  }
}
