import { checkFlag, checkOptionNames, type Operation, type Row } from '@drover/core'
import { catalogSql } from '../catalog/catalog-sql.js'
import { readCatalog } from '../catalog/read-catalog.js'
import type { Catalog, CatalogTable } from '../contracts/catalog.js'
import type { SchemaConnection } from '../contracts/database.js'
import type { SchemaLocation } from '../contracts/migrator.js'
import { openDatabase } from '../database/open-database.js'
import { journalTables } from '../journal/journal-tables.js'
import { quoteName, quoteTable, quoteText } from '../sql/quote.js'

/** Options of {@link dump}. */
export interface DumpOptions extends Partial<Operation> {
  /** With the journal and what is in it: a database that is loaded from it is where this one is. @default false */
  readonly journal?: boolean
  /** What the names of the journal's tables begin with. @default 'drover_' */
  readonly tablePrefix?: string
}

/** A schema as SQL. */
export interface SchemaDump {
  /** Statements that make it in an empty database, each ended by a semicolon and a line feed. */
  readonly sql: string
  /** What the database has and its statement is not known of: a load would lack it. */
  readonly missing: readonly { readonly kind: string; readonly name: string }[]
}

/**
 * Writes the schema of a database as SQL. The text only depends on the schema: by name, not by the order in which things were made, so two
 * databases that are alike give the same one. Rows are left out, but for the journal's if it is asked for. Tables of leases and states are left out.
 *
 * @param connection As `createMigrator` takes it. @default the variable DATABASE_URL
 *
 * @example
 * const { sql, missing } = await dump('agent.db', { journal: true })
 */
export async function dump(connection?: SchemaLocation, options: DumpOptions = {}): Promise<SchemaDump> {
  const where = 'dump'
  checkOptionNames(where, options, ['journal', 'tablePrefix', 'signal'])
  checkFlag(where, 'journal', options.journal)
  const { journal = false, tablePrefix = 'drover_', signal = new AbortController().signal } = options
  await using database = await openDatabase(connection, { where })
  await using connected = await database.connect({ signal })
  // One moment for all of it. SQLite's transactions would keep writers out, and want to write.
  if (database.dialect === 'postgres') await connected.begin()
  try {
    if (database.dialect === 'postgres')
      await connected.exec('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY')
    const journals = Object.values(journalTables(tablePrefix)).map((name) => name.replaceAll('"', ''))
    const isOwn = (table: string): boolean => table.startsWith(tablePrefix) || table.startsWith('drover_')
    const isLeftOut = (table: string): boolean => isOwn(table) && !(journal && journals.includes(table))
    const whole = await readCatalog((sql, values) => connected.query(sql, values), database.dialect)
    const catalog = inOrder(without(whole, isLeftOut))
    const { beforeRows, behindRows, missing } = catalogSql(catalog)
    const rows = journal ? await journalRows(connected, catalog, journals) : []
    const statements = [...beforeRows, ...rows, ...behindRows]
    if (statements.some((sql) => sql.startsWith('SET check_function_bodies')))
      statements.push('RESET check_function_bodies')
    const lacking = missing.map(({ kind, name }) => `-- Not in here: the ${kind} ${name.replaceAll('\n', ' ')}\n`)
    return {
      sql: `-- The schema of a ${database.dialect === 'postgres' ? 'PostgreSQL' : 'SQLite'} database.\n${lacking.join('')}${statements.map((sql) => `\n${sql};\n`).join('')}`,
      missing: missing.map(({ kind, name }) => ({ kind, name })),
    }
  } finally {
    await connected.rollback()
  }
}

function without(catalog: Catalog, isLeftOut: (table: string) => boolean): Catalog {
  const ofTable = (owner: string | undefined): string => owner?.slice(0, owner.lastIndexOf('.')) ?? ''
  return {
    ...catalog,
    tables: catalog.tables.filter(({ name }) => !isLeftOut(name)),
    triggers: catalog.triggers.filter(({ table }) => !isLeftOut(table)),
    sequences: catalog.sequences.filter(({ ownedBy }) => !isLeftOut(ofTable(ownedBy))),
  }
}

/** By name; views behind those that they read. */
function inOrder(catalog: Catalog): Catalog {
  const { tables, views, triggers, enums, sequences } = catalog
  const left = new Map(sorted(views).map((view) => [view.name, view]))
  const ordered: (typeof views)[number][] = []
  const visit = (name: string): void => {
    const view = left.get(name)
    if (view === undefined) return
    left.delete(name)
    for (const read of sorted(view.reads.map((each) => ({ name: each })))) visit(read.name)
    ordered.push(view)
  }
  for (const { name } of sorted(views)) visit(name)
  return {
    ...catalog,
    tables: sorted(tables).map((table) => ({ ...table, indexes: sorted(table.indexes) })),
    views: ordered,
    triggers: [...triggers].sort((a, b) => compare(`${a.table} ${a.name}`, `${b.table} ${b.name}`)),
    enums: sorted(enums),
    sequences: sorted(sequences),
  }
}

function sorted<T extends { readonly name: string }>(list: readonly T[]): T[] {
  return [...list].sort((a, b) => compare(a.name, b.name))
}

/** By code units: not by the language of the machine. */
function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

async function journalRows(
  connection: SchemaConnection,
  { tables }: Catalog,
  journals: readonly string[],
): Promise<string[]> {
  const statements: string[] = []
  for (const table of tables) if (journals.includes(table.name)) statements.push(...(await inserts(connection, table)))
  return statements
}

/** The database itself writes the literals: so they are exact. */
async function inserts(connection: SchemaConnection, { name, columns }: CatalogTable): Promise<string[]> {
  const { dialect } = connection
  const isPostgres = dialect === 'postgres'
  const names = columns.map((column) => quoteName(column.name))
  const literals = names.map(
    (column, place) => `${isPostgres ? `quote_nullable(${column}::text)` : `quote(${column})`} AS c${place}`,
  )
  const rows: readonly Row[] = await connection.query(
    `SELECT ${literals.join(', ')} FROM ${quoteTable(name, dialect)} ORDER BY ${names[0] ?? '1'}`,
  )
  const into = `INSERT INTO ${quoteTable(name, dialect)} (${names.join(', ')})${isPostgres ? ' OVERRIDING SYSTEM VALUE' : ''}`
  const statements = rows.map(
    (row) => `${into} VALUES (${names.map((_, place) => String(row[`c${place}`])).join(', ')})`,
  )
  const counted = columns.find(({ identity }) => identity !== undefined)
  if (!isPostgres || counted === undefined || rows.length === 0) return statements
  const sequence = `pg_get_serial_sequence(${quoteText(quoteTable(name))}, ${quoteText(counted.name)})`
  return [
    ...statements,
    `SELECT setval(${sequence}, (SELECT max(${quoteName(counted.name)}) FROM ${quoteTable(name)}))`,
  ]
}
