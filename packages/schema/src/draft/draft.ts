import { checkFlag, checkNames, checkOptionNames, checkText, DroverError, type Operation } from '@drover/core'
import type { CatalogDifference } from '../catalog/compare-catalogs.js'
import type { SchemaDatabase } from '../contracts/database.js'
import type { Migration } from '../contracts/migration.js'
import type { SchemaLocation } from '../contracts/migrator.js'
import { openDatabase } from '../database/open-database.js'
import { createMigrator } from '../migrator/create-migrator.js'
import { defineModels, type SchemaModels } from '../models/define-models.js'
import { type Change, inOrder } from './call.js'
import { Comparison } from './comparison.js'
import { type Ask, DatabaseFacts } from './facts.js'
import { authorName, fileNameOf, newId, parentsOfNew, writeRevision } from './new-revision.js'
import { planPostgres } from './plan-postgres.js'
import { planSqlite } from './plan-sqlite.js'
import { Renames } from './renames.js'
import { revisionText } from './revision-text.js'
import { catalogOf, renamed, scopeOf, undetected, wantedDatabase, wantedModels } from './wanted.js'

/** Options of {@link draft}. */
export interface DraftOptions extends Partial<Operation> {
  /** The database that is to become the wanted one. @default the variable DATABASE_URL */
  readonly connection?: SchemaLocation
  /** The schema that is wanted. */
  readonly models?: SchemaModels
  /** Or a database that has it, of the same kind. */
  readonly against?: SchemaLocation
  /** What the revision is for: `add priority to calls`. */
  readonly message: string
  /** @default the next number and the message */
  readonly id?: string
  /** Those that are there already: it depends on their head, and all of them must be applied. */
  readonly migrations?: readonly Migration[]
  readonly dependsOn?: string | readonly string[]
  /** Where the files are written. @default nowhere: the text is in what is returned */
  readonly folder?: string
  /** Is asked what a comparison cannot know. Without an answer the revision stops where it is missing until somebody has decided. */
  readonly ask?: Ask
  /** Tables that are nobody's business, besides journals and those of this software. */
  readonly ignore?: readonly string[]
  /** What the names of the journal's tables begin with. @default 'drover_' */
  readonly tablePrefix?: string
  /** PostgreSQL: a database in which models are made for a moment, where the role may make schemas. @default the database itself */
  readonly scratch?: SchemaLocation
  readonly author?: string
  readonly now?: Date
}

/** One file of a draft. */
export interface DraftedRevision {
  readonly id: string
  readonly fileName: string
  /** TypeScript. */
  readonly text: string
  /** Where it was written. */
  readonly path?: string
}

/** What makes a database the wanted one. */
export interface Draft {
  /** In the order in which they are applied; empty: there is nothing to do. More than one where a part cannot be in a transaction, or must be before. */
  readonly revisions: readonly DraftedRevision[]
  readonly differences: readonly CatalogDifference[]
  /** Sentences about what a person has to decide: each of them stops the revision until then. */
  readonly undecided: readonly string[]
  /** What is there, or may be, and was not compared. */
  readonly undetected: readonly string[]
}

const known = [
  'connection',
  'models',
  'against',
  'message',
  'id',
  'migrations',
  'dependsOn',
  'folder',
  'ask',
  'ignore',
  'tablePrefix',
  'scratch',
  'author',
  'now',
  'signal',
] as const satisfies readonly (keyof DraftOptions)[]

/**
 * Compares a database with declared models, or with another database, and writes the revision that makes it so: read it before it is applied.
 * Renames are asked about, and data that would go is archived. Types, defaults and expressions are compared as the database writes them, so a
 * draft that was applied leaves nothing for the next one.
 *
 * @throws `OPTION_INVALID`, `STORE_DENIED`: PostgreSQL lets the role make no schema, see `scratch`; `SCHEMA_BEHIND`: revisions are not applied yet
 *
 * @example
 * const { revisions, undecided } = await draft({ models, migrations, message: 'add priority to calls', folder: 'migrations' })
 */
export async function draft(options: DraftOptions): Promise<Draft> {
  const where = 'draft'
  checkOptionNames(where, options, known)
  checkText(where, 'message', options.message)
  checkNames(where, 'ignore', options.ignore)
  checkFlag(where, 'ask', options.ask === undefined)
  const { connection: location, models, against, migrations = [], ask, tablePrefix = 'drover_', ignore = [] } = options
  if ((models === undefined) === (against === undefined))
    throw new DroverError('OPTION_INVALID', `${where}: give models, or against, a database that has the schema.`)
  const operation: Operation = { signal: options.signal ?? new AbortController().signal }
  const dependsOn = parentsOfNew(where, options, options.dependsOn)
  if (migrations.length > 0) await checkAtHead(options, operation)
  await using database = await openDatabase(location, { where })
  await using given = options.scratch === undefined ? undefined : await openDatabase(options.scratch, { where })
  const scratch: SchemaDatabase = given ?? database
  const wanted =
    against === undefined
      ? await wantedModels(defineModels(models as SchemaModels), { database, scratch }, operation)
      : await wantedDatabase(against, database, where, operation)
  await using connection = await database.connect(operation)
  const asItIs = await catalogOf(connection)
  const scope = scopeOf(wanted, { prefixes: ['drover_', tablePrefix], tables: ignore })
  const first = new Comparison(asItIs, wanted.catalog, scope)
  const renames = new Renames()
  await renames.findTables(first, wanted.declared, ask)
  const compared = async (): Promise<Comparison> =>
    renames.isEmpty
      ? first
      : new Comparison(await renamed(asItIs, renames, scope, scratch, operation), wanted.catalog, scope)
  await renames.findColumns(await compared(), wanted.declared, ask)
  const comparison = await compared()
  const facts = await DatabaseFacts.of(connection, asItIs, renames, ask)
  const planning = { comparison, declared: wanted.declared, facts }
  const planned = database.dialect === 'postgres' ? await planPostgres(planning) : await planSqlite(planning)
  const changes = inOrder([...renames.undecided(), ...renames.changes(), ...planned])
  const remarks = undetected(first)
  return {
    revisions: await revisions(options, dependsOn, changes, remarks, database.dialect === 'postgres'),
    differences: first.differences,
    undecided: changes.flatMap(({ undecided }) => undecided ?? []),
    undetected: remarks,
  }
}

async function checkAtHead(
  { connection, migrations = [], tablePrefix }: DraftOptions,
  operation: Operation,
): Promise<void> {
  await using migrator = createMigrator({
    migrations,
    ...(connection === undefined ? {} : { connection }),
    ...(tablePrefix === undefined ? {} : { tablePrefix }),
  })
  const { pending } = await migrator.status(operation)
  if (pending.length === 0) return
  throw new DroverError(
    'SCHEMA_BEHIND',
    `draft: ${pending.join(', ')} ${pending.length === 1 ? 'is' : 'are'} not applied yet, and would be drafted again. Run "drover schema up" first.`,
  )
}

async function revisions(
  options: DraftOptions,
  dependsOn: readonly string[],
  changes: readonly Change[],
  remarks: readonly string[],
  isPostgres: boolean,
): Promise<DraftedRevision[]> {
  const { message, folder, author = authorName(), now = new Date() } = options
  const isEarly = isPostgres ? usedAtOnce(changes) : () => false
  const parts = [
    { suffix: 'values', changes: changes.filter(isEarly), what: `${message}: values of enums, which are used then` },
    { suffix: '', changes: changes.filter((each) => !isEarly(each) && each.isLate !== true), what: message },
    {
      suffix: 'concurrently',
      changes: changes.filter(({ isLate = false }) => isLate),
      what: `${message}: what is built while others write`,
      transaction: 'none' as const,
    },
  ].filter((part) => part.changes.length > 0)
  const id = parts.length === 0 ? '' : (options.id ?? (await newId(message, options)))
  let parents = dependsOn
  const drafted: DraftedRevision[] = []
  for (const { suffix, changes: own, what, transaction } of parts) {
    const ownId = parts.length === 1 || suffix === '' ? id : `${id}_${suffix}`
    const breaking = own.some(({ phase }) => /^rename|^drop (?:table|column)/.test(phase))
    const text = revisionText({
      id: ownId,
      dependsOn: parents,
      message: what,
      author,
      now,
      breaking,
      changes: own,
      ...(transaction === undefined ? {} : { transaction }),
      ...(drafted.length === 0 ? { remarks } : {}),
    })
    const fileName = fileNameOf(ownId, suffix === '' || parts.length === 1 ? message : '')
    const path = folder === undefined ? undefined : await writeRevision(folder, fileName, text)
    drafted.push({ id: ownId, fileName, text, ...(path === undefined ? {} : { path }) })
    parents = [ownId]
  }
  return drafted
}

/** New values of enums that the same changes use: PostgreSQL wants them committed before. */
function usedAtOnce(changes: readonly Change[]): (change: Change) => boolean {
  return (change) => {
    const values = change.up.flatMap(({ word, given }) => (word === 'addEnumValue' ? String(given[1]) : []))
    const others = JSON.stringify(changes.filter((each) => each !== change).map(({ up }) => up))
    return values.some((value) => others.includes(JSON.stringify(value).slice(1, -1)))
  }
}
