import { spawn } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { checkText, DroverError } from '@drover/core'
import { compareCatalogs } from '../catalog/compare-catalogs.js'
import { createMigrator } from '../migrator/create-migrator.js'
import { type CheckOptions, checkCheckOptions } from './check-options.js'
import { contentsOf, differences } from './contents.js'
import { type TestDatabase, testCatalog } from './test-database.js'

export interface KillOptions extends CheckOptions {
  /** The file, as URL or path, whose default export is the list of revisions: `new URL('./migrations.js', import.meta.url)`. */
  readonly module: URL | string
  /** Of the process that is killed, such as `['--import', 'tsx']` for a module in TypeScript. @default those of this process */
  readonly execArgv?: readonly string[]
  /** Brings rows in at `from`. */
  readonly seed?: (database: TestDatabase) => Promise<void>
  readonly from?: string
}

/** What was tried. */
export interface KillReport {
  /** Processes that were killed: one at each call that a revision makes. */
  readonly kills: number
}

/**
 * Kills a process that applies the revisions (SIGKILL) in front of each call that they make of `schema`, `sql`, `knex` or `backfill`, and at the end of each
 * revision, and has another one go on. It must get to the same schema and the same data as if nothing had happened.
 *
 * @throws `SCHEMA_DRIFT`, `LOSS_REFUSED`, and what the instance that goes on fails with: a revision without a transaction that is not idempotent cannot be gone
 *   on with
 */
export async function checkKills(options: KillOptions): Promise<KillReport> {
  const where = 'checkKills'
  checkCheckOptions(where, options, ['module', 'execArgv', 'seed', 'from'])
  const { database, module, execArgv = process.execArgv } = options
  const url = module instanceof URL ? module.href : pathToFileURL(String(module)).href
  checkText(where, 'module', url)
  const run = (killAt: number): Promise<Ended> =>
    inProcess({ url, execArgv, location: database.location, killAt, allow: options.allow ?? [] })
  await begin(options)
  const { calls, error } = await run(0)
  if (error !== undefined)
    throw new DroverError('MIGRATION_FAILED', `The revisions of ${url} fail without being killed: ${error}`)
  const [catalog, contents] = [await testCatalog(database), await contentsOf(database)]
  for (let killAt = 1; killAt <= calls; killAt++) {
    await begin(options)
    const ended = await run(killAt)
    if (ended.error !== undefined)
      throw new DroverError('MIGRATION_FAILED', `The process that was to be killed failed before: ${ended.error}`)
    await goOn(options)
    const what = `Killed at call ${killAt} of ${calls}`
    const drift = compareCatalogs(catalog, await testCatalog(database))
    if (drift.length > 0) {
      const said = drift.map(({ change, object, table = '', name }) => `${object} ${table} ${name} ${change}`)
      throw new DroverError('SCHEMA_DRIFT', `${what}, and gone on with, the schema is another one: ${said.join('; ')}.`)
    }
    const lost = differences(contents, await contentsOf(database))
    if (lost.length > 0)
      throw new DroverError('LOSS_REFUSED', `${what}, and gone on with, the data differ:\n- ${lost.join('\n- ')}`)
  }
  return { kills: calls }
}

async function begin({ database, migrations, allow = [], seed, from = 'base' }: KillOptions): Promise<void> {
  await database.reset()
  if (from !== 'base') {
    await using migrator = createMigrator({ connection: database.location, migrations })
    await migrator.up({ to: from, allow })
  }
  await seed?.(database)
}

async function goOn({ database, migrations, allow = [] }: KillOptions): Promise<void> {
  await using migrator = createMigrator({ connection: database.location, migrations, leaseMs: 1_000 })
  await migrator.up({ to: 'heads', allow })
}

interface Ended {
  readonly calls: number
  readonly error?: string
}

/** The program of the process, which is given to it as text: it must find this package wherever it was installed. */
async function inProcess(given: {
  readonly url: string
  readonly execArgv: readonly string[]
  readonly location: string
  readonly killAt: number
  readonly allow: readonly string[]
}): Promise<Ended> {
  const { url, execArgv, location, killAt, allow } = given
  const program = fileURLToPath(
    new URL(`./testing-process${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, kitUrl()),
  )
  const child = spawn(process.execPath, [...execArgv, program, JSON.stringify({ url, location, killAt, allow })], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [said, complained] = await Promise.all([
    textOf(child.stdout),
    textOf(child.stderr),
    new Promise((resolve) => child.on('close', resolve)),
  ])
  if (child.signalCode === 'SIGKILL') return { calls: killAt }
  if (child.exitCode !== 0)
    return { calls: 0, error: complained.trim() || `it ended with ${child.exitCode ?? child.signalCode}` }
  return JSON.parse(said) as Ended
}

/** In the source this file is in a folder, in what is published all is in one. */
function kitUrl(): string {
  return import.meta.url.endsWith('.ts') ? new URL('..', import.meta.url).href : import.meta.url
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return text
}
