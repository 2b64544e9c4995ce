import { stat } from 'node:fs/promises'
import { checkNames, checkOptionNames, DroverError, type Operation, suggestNames } from '@drover/core'
import { withDatabase } from '../backup/with-database.js'
import { readBaseline } from '../baseline/baseline-file.js'
import type { SchemaDatabase } from '../contracts/database.js'
import type { Migration } from '../contracts/migration.js'
import type { SchemaLocation, Target } from '../contracts/migrator.js'
import { migratorOn } from '../migrator/create-migrator.js'
import { backupItems } from './backup-items.js'
import { databaseItems } from './database-items.js'
import { planItems } from './plan-items.js'
import { ask, failed, ok, type PreflightItem } from './preflight-item.js'

export interface PreflightOptions extends Partial<Operation> {
  /** @default the variable DATABASE_URL */
  readonly connection?: SchemaLocation | SchemaDatabase
  readonly migrations: readonly Migration[]
  /** @default 'head' */
  readonly to?: Target
  /** Where backups and notes of rehearsals are kept. */
  readonly folder?: string
  /** A file of `recordBaseline`. */
  readonly baseline?: string
  /** What the lint refuses and is borne, by rule, as for `up`. */
  readonly allow?: readonly string[]
  /** Names of items that a person has confirmed: `window`, `monitoring` …. What has failed cannot be confirmed away. */
  readonly confirmed?: readonly string[]
  /** How old a backup may be, in milliseconds. @default 3600000 */
  readonly backupMaxAgeMs?: number
  /** How far replicas may be behind, in milliseconds. @default 10000 */
  readonly maxLagMs?: number
  /** How long a transaction of others may be open, in milliseconds. @default 60000 */
  readonly longTransactionMs?: number
  /** What the names of the journal's tables begin with. @default 'drover_' */
  readonly tablePrefix?: string
}

export interface PreflightReport {
  readonly items: readonly PreflightItem[]
  /** Nothing failed, and nothing is left to be asked. */
  readonly isReady: boolean
}

/** What nobody but a person knows. */
const people: Readonly<Record<string, string>> = {
  window: 'Is a window with little traffic agreed upon, if one is needed?',
  monitoring: 'Do alarms of the database reach somebody while it is migrated?',
  team: 'Does everybody know who has to?',
}

/**
 * Goes through the checklist before revisions are applied to a database in production: a backup that is fresh and whole, revisions that were rehearsed on a copy as they are now, what they do and throw away, whether the code
 * that runs works with them, the way back, the baseline, and the state of the database. It changes nothing.
 *
 * @throws `OPTION_INVALID`, and what a migrator's `plan` throws
 */
export async function preflight(options: PreflightOptions): Promise<PreflightReport> {
  const where = 'preflight'
  checkOptionNames(where, options, [
    ...['connection', 'migrations', 'to', 'folder', 'baseline', 'allow', 'confirmed', 'backupMaxAgeMs', 'maxLagMs'],
    ...['longTransactionMs', 'tablePrefix', 'signal'],
  ])
  checkNames(where, 'confirmed', options.confirmed)
  const { confirmed = [], signal = new AbortController().signal } = options
  return withDatabase(options.connection, where, async (database) => {
    const items = (await itemsOf(database, options, signal)).map((item) =>
      item.status === 'ask' && confirmed.includes(item.name) ? { ...item, status: 'ok' as const } : item,
    )
    const names = items.map(({ name }) => name)
    const unknown = confirmed.find((name) => !names.includes(name))
    if (unknown !== undefined) {
      throw new DroverError('OPTION_INVALID', `${where}: confirmed has "${unknown}"${suggestNames(unknown, names)}`)
    }
    return { items, isReady: items.every(({ status }) => status === 'ok') }
  })
}

async function itemsOf(
  database: SchemaDatabase,
  options: PreflightOptions,
  signal: AbortSignal,
): Promise<readonly PreflightItem[]> {
  const { migrations, to, folder, allow = [], tablePrefix } = options
  const { backupMaxAgeMs = 3_600_000, maxLagMs = 10_000, longTransactionMs: longMs = 60_000 } = options
  // Of a database that somebody else closes.
  const lent = { ...database, [Symbol.asyncDispose]: async () => {} }
  const prefix = tablePrefix === undefined ? {} : { tablePrefix }
  await using migrator = migratorOn({ migrations, ...prefix }, async () => lent)
  const { current } = await migrator.status({ signal })
  const plan = await migrator.plan('up', to, { signal })
  const pending = plan.revisions.map(({ migration }) => migration)
  await using connection = await database.connect({ signal })
  return [
    ...(await backupItems({ database, folder, backupMaxAgeMs, current, pending }, { signal })),
    ...planItems(plan, pending, allow),
    await baselineItem(options.baseline),
    ...(await databaseItems({ database, connection, plan, maxLagMs, longMs }, signal)),
    ...Object.entries(people).map(([name, said]) => ask(name, said)),
  ]
}

async function baselineItem(path: string | undefined): Promise<PreflightItem> {
  if (path === undefined)
    return ask('baseline', 'No baseline of queries was named: nobody will see that one has become slower.')
  if ((await stat(path).catch(() => null)) === null)
    return failed('baseline', `There is no baseline ${path}. Record one.`)
  const { queries, at } = await readBaseline(path)
  return ok('baseline', `${queries.length} queries, recorded at ${at}.`)
}
