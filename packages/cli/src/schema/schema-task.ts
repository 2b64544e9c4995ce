import { stat } from 'node:fs/promises'
import { DroverError, type ErrorCode, type Logger, type Operation } from '@drover/core'
import type { Dialect, Migration, Migrator, SchemaDatabase } from '@drover/schema'
import type { Watching } from '../commands/live.js'
import { type ExitCode, exitCodes, preparing, refuseUsage, UsageError } from '../exit-codes.js'
import { importFile } from '../modules/load-module.js'
import { signals } from '../terminal/interruption.js'
import { loadSchema, type SchemaPackage } from './load-schema.js'
import type { SchemaFlags } from './schema-flags.js'
import { type SchemaSettings, settingsOf } from './settings.js'

/** What a command that needs no database works with. */
export interface RevisionTask extends Operation {
  readonly schema: SchemaPackage
  readonly settings: SchemaSettings
  /** The revisions of the folder. */
  revisions(): Promise<readonly Migration[]>
  /** Of `--dialect`, else of the URL. @throws `OPTION_INVALID` if neither says it */
  dialect(given: Dialect | undefined): Dialect
}

/** What a command works with that asks the database. */
export interface SchemaTask extends RevisionTask {
  readonly url: string
  migrator(): Promise<Migrator>
  database(): Promise<SchemaDatabase>
}

/** Runs a command that needs no database: the first signal gives it up, the second one ends the process. */
export async function revisionTask(
  flags: SchemaFlags,
  { voice, surroundings }: Watching,
  act: (task: RevisionTask) => Promise<ExitCode>,
): Promise<ExitCode> {
  const settings = await preparing(() => settingsOf(flags, surroundings.env))
  const schema = await preparing(() => loadSchema(settings.folder))
  const ending = new AbortController()
  const unhook = (): void => {
    for (const signal of signals) surroundings.signals.off(signal, onSignal)
  }
  const onSignal = (signal: NodeJS.Signals): void => {
    unhook()
    voice.note(`${signal}: giving up. Once more ends the process at once.`)
    ending.abort(new DroverError('ABORTED', `the process got ${signal}`))
  }
  for (const signal of signals) surroundings.signals.on(signal, onSignal)
  let loaded: Promise<readonly Migration[]> | undefined
  try {
    return await act({
      schema,
      settings,
      signal: ending.signal,
      revisions: () => {
        loaded ??= preparing(() => loadRevisions(schema, settings))
        return loaded
      },
      dialect: (given) => given ?? dialectOf(settings),
    })
  } catch (error) {
    if (ending.signal.aborted) {
      voice.fail(error)
      return exitCodes.interrupted
    }
    throw DroverError.isInstance(error, ...misused) ? new UsageError(error) : error
  } finally {
    unhook()
  }
}

/**
 * Runs a command that asks the database.
 *
 * @param how `mayBeNew`: a SQLite file that is not there is made. To look at one must not make it.
 */
export async function schemaTask(
  flags: SchemaFlags,
  watching: Watching,
  act: (task: SchemaTask) => Promise<ExitCode>,
  { mayBeNew = false }: { readonly mayBeNew?: boolean } = {},
): Promise<ExitCode> {
  return revisionTask(flags, watching, async (task) => {
    const { schema, settings } = task
    const url = locationOf(settings)
    const opened: AsyncDisposable[] = []
    const toClose = <T extends AsyncDisposable>(one: T): T => {
      opened.push(one)
      return one
    }
    const prefix = settings.tablePrefix === undefined ? {} : { tablePrefix: settings.tablePrefix }
    const logger = flags.json === true || flags.quiet === true ? {} : { logger: loggerTo(watching) }
    if (!mayBeNew) await preparing(() => requireFile(schema, url))
    try {
      return await act({
        ...task,
        url,
        migrator: async () => {
          const migrations = await task.revisions()
          const options = { connection: url, migrations, ...prefix, ...logger }
          return toClose(await preparing(() => schema.createMigrator(options)))
        },
        database: async () => toClose(await schema.openDatabase(url, { where: 'drover schema', ...prefix })),
      })
    } finally {
      for (const one of opened.reverse()) await one[Symbol.asyncDispose]()
    }
  })
}

/** What says that the command line is to be mended, and not the database. */
const misused: readonly ErrorCode[] = [
  'BACKUP_UNKNOWN',
  'GRAPH_INVALID',
  'NAME_UNKNOWN',
  'OPTION_INVALID',
  'PACKAGE_MISSING',
  'REVISION_AMBIGUOUS',
  'REVISION_INVALID',
  'REVISION_UNKNOWN',
  'SOURCE_NOT_FOUND',
]

function loadRevisions(schema: SchemaPackage, { migrations }: SchemaSettings): Promise<readonly Migration[]> {
  return schema.loadMigrations(migrations, { importModule: importFile })
}

function locationOf({ url, configured }: SchemaSettings): string {
  if (url !== undefined && url !== '') return url
  return refuseUsage(
    'OPTION_INVALID',
    `Say which database: --url postgres://user:password@host/database or --url app.db, the variable DATABASE_URL, or schema: { url: … } in ${configured}.`,
  )
}

function dialectOf({ url }: SchemaSettings): Dialect {
  if (url !== undefined && url !== '') return isPostgres(url) ? 'postgres' : 'sqlite'
  return refuseUsage(
    'OPTION_INVALID',
    'Say for which database the SQL is: --dialect postgres or --dialect sqlite; a --url or DATABASE_URL says it too.',
  )
}

function isPostgres(url: string): boolean {
  return /^postgres(?:ql)?(?:\+\w+)?:\/\//i.test(url)
}

/** @throws `SOURCE_NOT_FOUND` */
async function requireFile(schema: SchemaPackage, url: string): Promise<void> {
  if (isPostgres(url)) return
  await using database = await schema.openDatabase(url, { where: 'drover schema' })
  const { path } = database
  if (path === null || (await stat(path).catch(() => undefined)) !== undefined) return
  throw new DroverError(
    'SOURCE_NOT_FOUND',
    `There is no database ${database.name}. Look whether the path is right; "drover schema up" makes it.`,
  )
}

function loggerTo({ voice }: Watching): Logger {
  return {
    debug: () => {},
    info: (message) => voice.note(message),
    warn: (message) => voice.note(`warning: ${message}`),
    error: (message) => voice.note(`error: ${message}`),
  }
}
