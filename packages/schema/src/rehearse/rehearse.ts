import { checkOptionNames, checkText, DroverError, type Logger, type Operation } from '@drover/core'
import type { Backup, TableContents } from '../backup/backup-manifest.js'
import { contentDifferences } from '../backup/contents.js'
import { placeText } from '../backup/durable-file.js'
import { findBackup } from '../backup/find-backup.js'
import { postgresOf } from '../backup/native.js'
import { postgresContents, rowsAsText } from '../backup/postgres-contents.js'
import { readBackup } from '../backup/read-manifest.js'
import { restore } from '../backup/restore.js'
import { sqliteContents } from '../backup/sqlite-contents.js'
import { compareBaseline } from '../baseline/compare-baseline.js'
import { compareCatalogs } from '../catalog/compare-catalogs.js'
import { type Read, readCatalog, withoutTables } from '../catalog/read-catalog.js'
import type { Catalog } from '../contracts/catalog.js'
import type { Migration } from '../contracts/migration.js'
import type { MigrationReport, Migrator, SchemaLocation, Target } from '../contracts/migrator.js'
import type { Finding, Loss } from '../contracts/plan.js'
import { openDatabase } from '../database/open-database.js'
import { createMigrator } from '../migrator/create-migrator.js'
import { checksumsOf, type RehearsalRecord, recordPath } from './rehearsal-record.js'
import { makeScratch } from './scratch.js'

export interface RehearseOptions extends Partial<Operation> {
  /** The path of a backup; with `folder`, also a timestamp. */
  readonly from: string
  /** Where backups are kept. */
  readonly folder?: string
  readonly migrations: readonly Migration[]
  /** PostgreSQL: a database on the server where the copy is made, by its URL. @default the variable DATABASE_URL */
  readonly connection?: SchemaLocation
  /** @default 'head' */
  readonly to?: Target
  /** What the lint refuses and is borne, by rule, as for `up`. */
  readonly allow?: readonly string[]
  /** A file of `recordBaseline`: the copy is compared with it. */
  readonly baseline?: string
  /** What the names of the journal's tables begin with. @default 'drover_' */
  readonly tablePrefix?: string
  readonly logger?: Logger
}

/** How revisions fared on a copy. */
export interface RehearsalReport {
  readonly backup: Backup
  readonly up: MigrationReport
  /** Null if a revision is irreversible, or nothing was applied. */
  readonly down: MigrationReport | null
  readonly again: MigrationReport | null
  /** Why there was no way back. */
  readonly irreversible: string | null
  /** In what the copy differed from the backup when the revisions were taken back again. */
  readonly notRestored: readonly string[]
  readonly findings: readonly Finding[]
  /** On the way up and on the way back. */
  readonly losses: readonly Loss[]
  readonly durationMs: number
}

/**
 * Applies revisions to a copy of a database: a backup is restored into a database of its own, the revisions go up, down and up again, and the copy is dropped. What fails there fails here, and nothing else is touched. A
 * rehearsal that went well is noted beside the backup, for `preflight`.
 *
 * @throws what `restore` and the migrator throw, `BASELINE_WORSE`
 *
 * @example
 * const { up, losses } = await rehearse({ from: 'backups/app_20261122_080000', migrations })
 */
export async function rehearse(options: RehearseOptions): Promise<RehearsalReport> {
  const where = 'rehearse'
  checkOptionNames(where, options, [
    ...['from', 'folder', 'migrations', 'connection', 'to', 'allow', 'baseline', 'tablePrefix', 'logger', 'signal'],
  ])
  checkText(where, 'from', options.from)
  const began = performance.now()
  const { signal = new AbortController().signal } = options
  const backup = await backupFor(options)
  await using scratch = await makeScratch(backup.manifest.dialect, options.connection, { signal })
  const { location } = scratch
  await restore({
    connection: location,
    folder: '.',
    backup: backup.path,
    owners: 'leave',
    signal,
    ...(options.tablePrefix === undefined ? {} : { tablePrefix: options.tablePrefix }),
  })
  const before = await look(location, options)
  const { up, down, again, irreversible, taken } = await upAndDown(location, options, { signal })
  if (options.baseline !== undefined)
    await compareBaseline({ connection: location, baseline: options.baseline, signal })
  const notRestored = taken === null ? [] : differences(before, taken)
  await note(backup, up, down !== null && notRestored.length === 0, options.migrations)
  return {
    backup,
    up,
    down,
    again,
    irreversible,
    notRestored,
    findings: up.plan.findings,
    losses: [...up.plan.losses, ...(down?.plan.losses ?? [])],
    durationMs: performance.now() - began,
  }
}

function backupFor({ from, folder }: RehearseOptions): Promise<Backup> {
  if (folder === undefined) return readBackup(from)
  // `latest` is the latest of a database, and none is named here.
  if (from === 'latest')
    throw new DroverError('OPTION_INVALID', 'rehearse: name the backup by its timestamp or its path.')
  return findBackup({ folder, backup: from, about: { database: '', identity: '' } })
}

interface Tried {
  readonly up: MigrationReport
  readonly down: MigrationReport | null
  readonly again: MigrationReport | null
  readonly irreversible: string | null
  /** What was there between down and up. */
  readonly taken: Look | null
}

async function upAndDown(location: string, options: RehearseOptions, operation: Operation): Promise<Tried> {
  const { migrations, to = 'head', allow = [], tablePrefix, logger } = options
  await using migrator = createMigrator({
    connection: location,
    migrations,
    actor: 'rehearse',
    ...(tablePrefix === undefined ? {} : { tablePrefix }),
    ...(logger === undefined ? {} : { logger }),
  })
  const up = await migrator.up({ to, allow, ...operation })
  const nothing = { up, down: null, again: null, irreversible: null, taken: null }
  if (up.revisions.length === 0) return nothing
  let down: MigrationReport
  try {
    down = await goDown(migrator, up, operation)
  } catch (error) {
    if (!DroverError.isInstance(error, 'IRREVERSIBLE')) throw error
    return { ...nothing, irreversible: error.message }
  }
  const taken = await look(location, options)
  return { up, down, again: await migrator.up({ to, allow, ...operation }), irreversible: null, taken }
}

/** Takes back exactly what was applied, the last one first. @throws `IRREVERSIBLE` */
async function goDown(migrator: Migrator, up: MigrationReport, operation: Operation): Promise<MigrationReport> {
  const began = performance.now()
  const applied = new Set(up.revisions.map(({ id }) => id))
  const targets = targetsBelow(migrator.migrations, applied)
  const plans = await Promise.all(targets.map((target) => migrator.plan('down', target, operation)))
  const goes = new Set(plans.flatMap(({ revisions }) => revisions.map(({ migration }) => migration.id)))
  const others = [...new Set([...goes, ...applied])].filter((id) => !goes.has(id) || !applied.has(id))
  if (others.length > 0) {
    throw new DroverError(
      'IRREVERSIBLE',
      `The revisions could not be taken back alone: ${others.join(', ')} belongs to another branch that stands on the same ones.`,
    )
  }
  const reports: MigrationReport[] = []
  for (const to of targets) reports.push(await migrator.down({ to, acceptLoss: true, ...operation }))
  return {
    direction: 'down',
    revisions: reports.flatMap(({ revisions }) => revisions),
    plan: {
      direction: 'down',
      revisions: plans.flatMap(({ revisions }) => revisions),
      findings: [],
      losses: reports.flatMap(({ plan }) => plan.losses),
    },
    heads: reports.at(-1)?.heads ?? [],
    durationMs: performance.now() - began,
  }
}

/** What the applied revisions stand upon; `base` if that is nothing. */
function targetsBelow(migrations: readonly Migration[], applied: ReadonlySet<string>): readonly string[] {
  const parents = migrations.flatMap(({ id, dependsOn = [] }) => (applied.has(id) ? dependsOn : []))
  const below = [...new Set(parents)].filter((id) => !applied.has(id))
  return below.length === 0 ? ['base'] : below
}

/** The application's part of a database. */
interface Look {
  readonly catalog: Catalog
  readonly tables: readonly TableContents[]
}

async function look(location: string, { tablePrefix = 'drover_' }: RehearseOptions): Promise<Look> {
  const { signal } = new AbortController()
  await using database = await openDatabase(location, { where: 'rehearse' })
  await using connection = await database.connect({ signal })
  const read: Read = (sql, values) => connection.query(sql, values)
  const own = (table: string): boolean => table.replace(/^public\./, '').startsWith(tablePrefix)
  if (connection.dialect === 'sqlite') {
    const catalog = withoutTables(await readCatalog(read, 'sqlite'), own)
    return { catalog, tables: await sqliteContents(read, catalog) }
  }
  const postgres = postgresOf(connection)
  await postgres.begin({ isolation: 'repeatable read', readonly: true, settings: rowsAsText })
  const catalog = withoutTables(await readCatalog(read, 'postgres'), own)
  return { catalog, tables: await postgresContents(postgres, catalog) }
}

function differences(before: Look, after: Look): string[] {
  return [
    ...compareCatalogs(before.catalog, after.catalog).map(({ change, object, table, name, properties }) =>
      `${object} ${table === undefined ? '' : `${table}.`}${name} is ${change} ${properties.join(', ')}`.trim(),
    ),
    ...contentDifferences(before.tables, after.tables),
  ]
}

async function note(
  { path, manifest }: Backup,
  { revisions }: MigrationReport,
  wentBack: boolean,
  migrations: readonly Migration[],
): Promise<void> {
  const checksums = await checksumsOf(migrations, manifest.dialect)
  const record: RehearsalRecord = {
    drover: 'rehearsal',
    format: 1,
    at: new Date().toISOString(),
    timestamp: manifest.timestamp,
    identity: manifest.identity,
    revisions: revisions.map(({ id, durationMs }) => ({ id, checksum: checksums.get(id) ?? '', durationMs })),
    wentBack,
  }
  await placeText(recordPath(path), `${JSON.stringify(record, null, 1)}\n`)
}
