import { checkOptionNames, DroverError } from '@drover/core'
import type { RebuildOptions } from '../../contracts/schema-changes.js'
import type { Steps } from '../../contracts/steps.js'
import { onceSteps } from './once.js'
import { rebuildInPostgres } from './rebuild-postgres.js'
import { rebuildInSqlite } from './rebuild-sqlite.js'

const optionNames = [
  'columns',
  'rename',
  'fill',
  'primaryKey',
  'addConstraints',
  'dropConstraints',
  'createSql',
  'keepOldAs',
  'strict',
  'withoutRowid',
]

/** Makes a table anew with its rows, and with all that hangs on it. */
export async function rebuildTable(steps: Steps, table: string, options: RebuildOptions): Promise<void> {
  const where = `rebuildTable ${table}`
  checkOptionNames(where, options, optionNames)
  const { createSql, columns, primaryKey, addConstraints, dropConstraints, strict, withoutRowid } = options
  const parts = [columns, primaryKey, addConstraints, dropConstraints, strict, withoutRowid]
  if (createSql !== undefined && parts.some((part) => part !== undefined)) {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: createSql is the whole new table; leave out what changes the old one.`,
    )
  }
  const once = await onceSteps(steps, where, options)
  if (once === undefined) return
  if (steps.dialect === 'sqlite') await rebuildInSqlite(once, table, options)
  else await rebuildInPostgres(once, table, options)
}
