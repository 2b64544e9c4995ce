import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkNames, checkOptionNames, DroverError, type Operation } from '@drover/core'
import type { CatalogDifference } from '../catalog/compare-catalogs.js'
import type { Catalog } from '../contracts/catalog.js'
import type { SchemaDatabase } from '../contracts/database.js'
import type { Migration } from '../contracts/migration.js'
import type { SchemaLocation } from '../contracts/migrator.js'
import type { UnsafeRule } from '../contracts/plan.js'
import { openDatabase } from '../database/open-database.js'
import { createMigrator } from '../migrator/create-migrator.js'
import { defineModels, type SchemaModels } from '../models/define-models.js'
import { quoteName } from '../sql/quote.js'
import { Comparison } from './comparison.js'
import { catalogOf, everything, scopeOf, undetected, type Wanted, wantedModels } from './wanted.js'

/** Options of {@link checkDrift}. */
export interface CheckDriftOptions extends Partial<Operation> {
  /** @default the variable DATABASE_URL */
  readonly connection?: SchemaLocation
  /** The schema that the database should have. */
  readonly models?: SchemaModels
  /** Or the revisions that made it: those that its journal has are applied to an empty database, and compared with it. */
  readonly migrations?: readonly Migration[]
  /** Tables that are nobody's business, besides journals and those of this software. */
  readonly ignore?: readonly string[]
  /** What the names of the journal's tables begin with. @default 'drover_' */
  readonly tablePrefix?: string
  /**
   * PostgreSQL: an empty database to apply revisions in, or one to make models in for a moment. @default for revisions a database that is made on
   * the same server, and dropped again; for models the database itself
   */
  readonly scratch?: SchemaLocation
}

/** How a database differs from what it should be. */
export interface Drift {
  /** From the database to what it should be: `removed` is there and should not be. Empty: there is none. */
  readonly differences: readonly CatalogDifference[]
  /** Each as a sentence. */
  readonly sentences: readonly string[]
  /** Revisions that are not applied, when revisions were given; they are no drift. */
  readonly pending: readonly string[]
  /** What is there, or may be, and was not compared. */
  readonly undetected: readonly string[]
}

const known = ['connection', 'models', 'migrations', 'ignore', 'tablePrefix', 'scratch', 'signal'] as const

/**
 * Finds what somebody changed by hand: compares a database with declared models, or with what its revisions make. Nothing of it stays anywhere.
 *
 * @throws `OPTION_INVALID`; `STORE_DENIED`: the role may make no schema or database, see `scratch`
 *
 * @example
 * const { sentences } = await checkDrift({ migrations })
 * if (sentences.length > 0) throw new Error(sentences.join('\n'))
 */
export async function checkDrift(options: CheckDriftOptions): Promise<Drift> {
  const where = 'checkDrift'
  checkOptionNames(where, options, known)
  checkNames(where, 'ignore', options.ignore)
  const { connection: location, models, migrations, tablePrefix = 'drover_', ignore = [] } = options
  if ((models === undefined) === (migrations === undefined))
    throw new DroverError('OPTION_INVALID', `${where}: give models, or migrations.`)
  const operation: Operation = { signal: options.signal ?? new AbortController().signal }
  await using database = await openDatabase(location, { where })
  let wanted: Wanted
  let pending: readonly string[] = []
  if (models !== undefined) {
    await using given = options.scratch === undefined ? undefined : await openDatabase(options.scratch, { where })
    wanted = await wantedModels(defineModels(models), { database, scratch: given ?? database }, operation)
  } else {
    const status = await statusOf(options, operation)
    pending = status.pending
    const catalog = await made(database, options, migrations ?? [], status.current, operation)
    const all = everything(database.dialect)
    // Names that the server chose are the same where the same statements ran.
    wanted = { ...all, catalog }
  }
  await using connection = await database.connect(operation)
  const scope = scopeOf(wanted, { prefixes: ['drover_', tablePrefix], tables: ignore })
  const comparison = new Comparison(await catalogOf(connection), wanted.catalog, scope)
  const { differences } = comparison
  return { differences, sentences: differences.map(sentence), pending, undetected: undetected(comparison) }
}

async function statusOf(
  { connection, migrations = [], tablePrefix }: CheckDriftOptions,
  operation: Operation,
): Promise<{ readonly current: readonly string[]; readonly pending: readonly string[] }> {
  await using migrator = createMigrator({
    migrations,
    ...(connection === undefined ? {} : { connection }),
    ...(tablePrefix === undefined ? {} : { tablePrefix }),
  })
  return await migrator.status(operation)
}

/** What the revisions make in an empty database. */
async function made(
  database: SchemaDatabase,
  { scratch }: CheckDriftOptions,
  migrations: readonly Migration[],
  current: readonly string[],
  operation: Operation,
): Promise<Catalog> {
  if (scratch !== undefined) return await applied(scratch, migrations, current, operation)
  if (database.dialect === 'postgres') {
    return await besideIt(database, operation, (url) => applied(url, migrations, current, operation))
  }
  const folder = await mkdtemp(join(tmpdir(), 'drover-drift-'))
  try {
    return await applied(join(folder, 'scratch.db'), migrations, current, operation)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function applied(
  location: SchemaLocation,
  migrations: readonly Migration[],
  current: readonly string[],
  operation: Operation,
): Promise<Catalog> {
  await using database = await openDatabase(location, { where: 'checkDrift, scratch' })
  await using connection = await database.connect(operation)
  const { tables } = await catalogOf(connection)
  if (tables.length > 0) {
    throw new DroverError(
      'UNSAFE_REFUSED',
      `checkDrift: scratch is a database to apply revisions in, and ${database.name} is not empty: it has ${tables[0]?.name}. Give an empty one.`,
    )
  }
  await using migrator = createMigrator({ connection: location, migrations })
  // There are no rows that anything could be unsafe for.
  for (const to of current) await migrator.up({ to, allow: everyRule, ...operation })
  return await catalogOf(connection)
}

/** A database of the same server that only exists for a moment. */
async function besideIt<T>(
  database: SchemaDatabase,
  operation: Operation,
  work: (url: string) => Promise<T>,
): Promise<T> {
  if (database.url === null) {
    throw new DroverError(
      'OPTION_INVALID',
      `checkDrift: ${database.name} was given as a pool, so no database can be made beside it. Give its URL, or scratch, an empty database.`,
    )
  }
  const name = `drover_scratch_${randomBytes(6).toString('hex')}`
  const url = new URL(database.url)
  url.pathname = `/${name}`
  await using connection = await database.connect(operation)
  try {
    await connection.run(`CREATE DATABASE ${quoteName(name)} TEMPLATE template0`)
  } catch (error) {
    if (!DroverError.isInstance(error, 'STORE_DENIED')) throw error
    throw new DroverError(
      'STORE_DENIED',
      `checkDrift: the role that connects to ${database.name} may not make a database, and revisions are applied in an empty one to be compared. Give scratch, an empty database, or compare with models.`,
      { cause: error },
    )
  }
  try {
    return await work(url.href)
  } finally {
    await connection.run(`DROP DATABASE IF EXISTS ${quoteName(name)} WITH (FORCE)`)
  }
}

/** `column calls.priority: is missing`. */
function sentence({ change, object, table, name, properties, from, to }: CatalogDifference): string {
  const what = `${object} ${table === undefined ? name : `${table}${name === '' ? '' : `.${name}`}`}`
  if (change === 'added') return `${what} is missing`
  if (change === 'removed') return `${what} is there and should not be`
  const values = properties.map(
    (property) => `${property} is ${shown(from, property)} and should be ${shown(to, property)}`,
  )
  return `${what}: ${values.join('; ')}`
}

function shown(part: unknown, property: string): string {
  const value = (part as Readonly<Record<string, unknown>> | undefined)?.[property]
  if (value === undefined) return 'not there'
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const everyRule = [
  'column-dropped',
  'table-dropped',
  'column-renamed',
  'table-renamed',
  'type-changed',
  'not-null-unchecked',
  'volatile-default',
  'index-not-concurrent',
  'index-dropped-not-concurrently',
  'foreign-key-validated-at-once',
  'check-validated-at-once',
  'unique-constraint-at-once',
  'table-rebuilt',
  'rows-changed-at-once',
  'truncated',
  'constraint-dropped',
  'json-column',
  'foreign-keys-off-with-changes',
  'unknown-statement',
] satisfies readonly UnsafeRule[]
