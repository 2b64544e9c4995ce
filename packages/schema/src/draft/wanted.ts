import { DroverError, type Operation } from '@drover/core'
import { catalogSql } from '../catalog/catalog-sql.js'
import { readCatalog, withoutTables } from '../catalog/read-catalog.js'
import type { Catalog } from '../contracts/catalog.js'
import type { SchemaConnection, SchemaDatabase } from '../contracts/database.js'
import type { SchemaLocation } from '../contracts/migrator.js'
import { openDatabase } from '../database/open-database.js'
import type { SchemaModels } from '../models/define-models.js'
import { modelSql } from '../models/model-sql.js'
import { type Comparison, type Scope, tableOf } from './comparison.js'
import { Declared } from './declared.js'
import type { Renames } from './renames.js'
import { scratchCatalog } from './scratch.js'

/** A schema that a database should have. */
export interface Wanted {
  readonly catalog: Catalog
  readonly declared: Declared
  /** What of it says anything about views and so on. */
  readonly compares: Pick<Scope, 'views' | 'enums' | 'triggers' | 'sequences'>
}

/** Where declared models are made to be read back: the database itself, or one that was given for it. */
export interface Places {
  readonly database: SchemaDatabase
  readonly scratch: SchemaDatabase
}

/** The declared schema, in the database's own words. */
export async function wantedModels(
  models: SchemaModels,
  { database, scratch }: Places,
  operation: Operation,
): Promise<Wanted> {
  const { dialect } = database
  const catalog = await scratchCatalog(scratch, modelSql(models, dialect), 'The models', operation)
  const compares = {
    views: models.views !== undefined,
    enums: models.enums !== undefined && dialect === 'postgres',
    triggers: false,
    sequences: false,
  }
  return { catalog, declared: new Declared(models, dialect), compares }
}

/** The schema of another database. */
export async function wantedDatabase(
  against: SchemaLocation,
  { dialect, name }: SchemaDatabase,
  where: string,
  operation: Operation,
): Promise<Wanted> {
  await using other = await openDatabase(against, { where })
  if (other.dialect !== dialect) {
    throw new DroverError(
      'OPTION_INVALID',
      `${where}: ${name} is of ${dialect} and ${other.name} of ${other.dialect}; what they call things cannot be compared. Declare models for both.`,
    )
  }
  await using connection = await other.connect(operation)
  return { catalog: await catalogOf(connection), ...everything(dialect) }
}

/** Of a whole schema that was read. */
export function everything(dialect: SchemaDatabase['dialect']): Omit<Wanted, 'catalog'> {
  return {
    declared: new Declared(undefined, dialect),
    compares: { views: true, enums: true, triggers: true, sequences: true },
  }
}

export async function catalogOf(connection: SchemaConnection): Promise<Catalog> {
  return await readCatalog((sql, values) => connection.query(sql, values), connection.dialect)
}

/** What of two schemas is compared. */
export function scopeOf(
  wanted: Wanted,
  { prefixes, tables }: { prefixes: readonly string[]; tables: readonly string[] },
): Scope {
  const known = ['knex_migrations', 'knex_migrations_lock', 'alembic_version', ...tables].map((name) =>
    name.toLowerCase(),
  )
  return {
    ...wanted.compares,
    ignores: (table) => {
      const name = table.slice(table.lastIndexOf('.') + 1).toLowerCase()
      if (known.includes(name) || known.includes(table.toLowerCase())) return true
      if (prefixes.some((prefix) => name.startsWith(prefix.toLowerCase()))) return true
      return isArchive(name) && tableOf(wanted.catalog, table) === undefined
    },
    isNamed: (table, constraint) => wanted.declared.isNamed(table, constraint),
  }
}

/** As `archiveTable` calls them. */
export function isArchive(table: string): boolean {
  return /_archive(?:_|$)/.test(table.toLowerCase())
}

/** The schema as it will be called when the renames are done. */
export async function renamed(
  actual: Catalog,
  renames: Renames,
  scope: Scope,
  scratch: SchemaDatabase,
  operation: Operation,
): Promise<Catalog> {
  const own = withoutTables(actual, (table) => scope.ignores(table))
  const isPostgres = actual.dialect === 'postgres'
  const { beforeRows, behindRows } = catalogSql(isPostgres ? { ...own, triggers: [], others: [] } : own)
  const made = [...beforeRows, ...behindRows].map((sql) => ({ what: sql.slice(0, 60), sql }))
  const catalog = await scratchCatalog(scratch, [...made, ...renames.making(actual)], 'A copy of the schema', operation)
  return isPostgres ? { ...catalog, triggers: actual.triggers, others: actual.others } : catalog
}

/** What a comparison says nothing about, in sentences. */
export function undetected({ actual, wanted, scope }: Comparison): string[] {
  const isPostgres = actual.dialect === 'postgres'
  const list = (names: readonly string[]): string =>
    names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ')
  const kinds = new Map<string, string[]>()
  const otherOf = ({ others }: Catalog): { kind: string; name: string; text: string }[] =>
    others.map(({ kind, name, sql = '' }) => ({ kind, name, text: `${kind} ${name} ${sql}` }))
  const known = new Set(otherOf(wanted).map(({ text }) => text))
  const here = new Set(otherOf(actual).map(({ text }) => text))
  for (const { kind, name } of [
    ...otherOf(actual).filter((each) => !known.has(each.text)),
    ...otherOf(wanted).filter((each) => !here.has(each.text)),
  ]) {
    if (kind === 'schema' || kind === 'extension') continue
    kinds.set(kind, [...new Set([...(kinds.get(kind) ?? []), name])])
  }
  const archives = actual.tables.map(({ name }) => name).filter((name) => isArchive(name) && scope.ignores(name))
  const left: [boolean, string, readonly { readonly name: string }[]][] = [
    [scope.triggers, 'triggers', actual.triggers],
    [scope.views, 'views', actual.views],
    [scope.enums, 'enums', actual.enums],
    [scope.sequences, 'sequences', actual.sequences.filter(({ ownedBy }) => ownedBy === undefined)],
  ]
  return [
    ...left.flatMap(([isCompared, what, objects]) =>
      isCompared || objects.length === 0 ? [] : `${what}: ${list(objects.map(({ name }) => name))}`,
    ),
    ...[...kinds].map(([kind, names]) => `${kind}: ${list(names)}`),
    ...(archives.length === 0 ? [] : [`archives, which stay: ${list(archives)}`]),
    ...(isPostgres ? ['comments, owners, grants, storage options, and where sequences of columns stand'] : []),
  ]
}
