import { hostname, userInfo } from 'node:os'
import { checkOptionNames, checkText, checkWholeNumber, DroverError } from '@drover/core'
import type { SchemaDatabase } from '../contracts/database.js'
import type { Migrator, MigratorOptions } from '../contracts/migrator.js'
import { openDatabase } from '../database/open-database.js'
import { Journal } from '../journal/journal.js'
import { journalTables } from '../journal/journal-tables.js'
import { defineMigration } from '../migration/define-migration.js'
import { Recordings } from './recordings.js'
import { SchemaMigrator } from './schema-migrator.js'

/** What a migrator's state is known by in the store of leases. */
const leaseName = 'drover-schema'

/**
 * Applies revisions to a database and takes them back, as the only one of all instances that try. The database is opened when it is needed
 * first; disposing closes it, unless it was given open.
 *
 * @throws `OPTION_INVALID`, `REVISION_INVALID`, `GRAPH_INVALID`
 *
 * @example
 * await using migrator = createMigrator({ connection: 'app.db', migrations })
 * await migrator.ensure({ mode: 'apply' })
 */
export function createMigrator(options: MigratorOptions): Migrator {
  const { connection, tablePrefix } = options ?? {}
  return migratorOn(options, () =>
    openDatabase(connection, { where: 'createMigrator', ...(tablePrefix === undefined ? {} : { tablePrefix }) }),
  )
}

/** A migrator of a database that somebody else knows how to open. */
export function migratorOn(options: MigratorOptions, open: () => Promise<SchemaDatabase>): Migrator {
  const where = 'createMigrator'
  checkOptionNames(where, options, [
    ...['connection', 'migrations', 'tablePrefix', 'actor', 'logger', 'leaseMs', 'backups', 'baseline'],
  ])
  const { migrations, tablePrefix = 'drover_', actor = whoAmI(), logger, leaseMs = 30_000, backups, baseline } = options
  if (!Array.isArray(migrations))
    throw new DroverError('OPTION_INVALID', `${where}: migrations is the list of all revisions.`)
  checkText(where, 'actor', actor)
  if (backups !== undefined) checkText(where, 'backups', backups)
  if (baseline !== undefined) checkText(where, 'baseline', baseline)
  checkWholeNumber(where, 'leaseMs', leaseMs, 100)
  journalTables(tablePrefix)
  return new SchemaMigrator(migrations.map(defineMigration), async () => {
    const database = await open()
    return {
      database,
      journal: new Journal(database, tablePrefix),
      recordings: new Recordings(database.dialect),
      leaseName,
      leaseMs,
      actor,
      ...(backups === undefined ? {} : { backups }),
      ...(baseline === undefined ? {} : { baseline }),
      ...(logger === undefined ? {} : { logger }),
    }
  })
}

function whoAmI(): string {
  return `${userName()}@${hostname()}:${process.pid}`
}

/** In a container the user may have no name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown')
  }
}
