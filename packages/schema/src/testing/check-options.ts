import { checkOptionNames, DroverError } from '@drover/core'
import type { Migration } from '../contracts/migration.js'
import { checkTestDatabase, type TestDatabase } from './test-database.js'

/** What every check is given. */
export interface CheckOptions {
  readonly database: TestDatabase
  readonly migrations: readonly Migration[]
  /** Findings of the lint that are borne, by rule. @default none: what a deployment would refuse, the check refuses */
  readonly allow?: readonly string[]
}

export function checkCheckOptions(where: string, options: CheckOptions, more: readonly string[] = []): void {
  checkOptionNames(where, options, ['database', 'migrations', 'allow', ...more])
  checkTestDatabase(where, options.database)
  if (!Array.isArray(options.migrations) || options.migrations.length === 0) {
    throw new DroverError('OPTION_INVALID', `${where}: migrations is the list of all revisions.`)
  }
}
