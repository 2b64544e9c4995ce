import { DroverError, suggestNames } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { quoteName } from '../connection/quote-name.js'
import { sqlState } from '../errors/postgres-error.js'
import { readTable, requireRights, splitName } from '../schema/read-table.js'
import { type Column, findColumn, quoteTable, shownTable, type Table } from '../schema/table.js'

/** Where rows go that leave a table of the same database. */
export interface ArchiveTable {
  readonly sql: string
  /** As messages show it. */
  readonly shown: string
  /** Columns that are written: all of the source's but those that compute themselves here too. */
  readonly columns: readonly string[]
  /** Values are given for columns that are GENERATED ALWAYS AS IDENTITY. */
  readonly isOverriding: boolean
}

export interface ArchiveTableOptions {
  readonly name: string
  readonly source: Table
  readonly key: readonly string[]
  readonly create: boolean
}

/**
 * Finds the archive table, or creates it.
 *
 * @throws `SINK_NOT_READY` if it is none or lacks a column; `FIDELITY_LOSS` if a column has another type; `STORE_DENIED`
 */
export async function archiveTable(
  connection: PostgresConnection,
  options: ArchiveTableOptions,
): Promise<ArchiveTable> {
  const { name, source, create } = options
  const found = await readTable(connection, name)
  if (found === null && create) await createArchive(connection, options)
  const table = found ?? (await readTable(connection, name))
  if (table === null) {
    throw notReady(connection, `table "${name}"`, 'there is no such table, and createTable is false')
  }
  const shown = shownTable(table)
  if (await isPartOfOneTable(connection, table, source)) throw notReady(connection, shown, 'rows are to leave it')
  if (table.kind !== 'table' && table.kind !== 'partitioned table') {
    throw notReady(connection, shown, `it is a ${table.kind}; name a table of this database`)
  }
  await requireRights(connection, table, ['INSERT', 'SELECT'])
  const columns = source.columns.filter((column) => isWritten(connection, column, table, shown))
  const unfilled = table.columns.find(
    ({ name: own, isNullable, hasDefault, isGenerated, identity }) =>
      findColumn(source.columns, own) === undefined && !isNullable && !hasDefault && !isGenerated && identity === null,
  )
  if (unfilled !== undefined) {
    throw notReady(connection, shown, `its column "${unfilled.name}" must not be null, and nothing fills it`)
  }
  return {
    sql: table.sql,
    shown: `${shown} of ${connection.name}`,
    columns: columns.map((column) => column.name),
    isOverriding: columns.some((column) => findColumn(table.columns, column.name)?.identity === 'always'),
  }
}

/** Values are kept as they are, so an assignment that rounds or cuts is no way. */
function isWritten(connection: PostgresConnection, column: Column, archive: Table, shown: string): boolean {
  const own = findColumn(archive.columns, column.name)
  if (own === undefined) {
    const names = archive.columns.map(({ name }) => name)
    throw notReady(
      connection,
      shown,
      `it has no column "${column.name}"${suggestNames(column.name, names).replace(/\.$/, '')}`,
    )
  }
  if (own.isGenerated && column.isGenerated) return false
  if (own.isGenerated) {
    throw notReady(
      connection,
      shown,
      `its column "${own.name}" computes itself, and would not keep the value that is there`,
    )
  }
  if (own.native === column.native) return true
  throw new DroverError(
    'FIDELITY_LOSS',
    `${connection.name}, ${shown}: its column "${own.name}" is ${own.native}, and the values that it is to keep are ${column.native}; nothing was moved. Give it the same type.`,
  )
}

/**
 * The same columns with the same types, collations and NOT NULL, and the key. What makes or checks values is left behind: defaults,
 * identity, generated expressions and CHECK constraints belong to rows that are still to come, not to those that were.
 */
async function createArchive(
  connection: PostgresConnection,
  { name, source, key }: ArchiveTableOptions,
): Promise<void> {
  const [schema, table] = splitName(name)
  const target = schema === null ? quoteName(table) : quoteTable(schema, table)
  const doing = `creating the archive table "${name}" of ${connection.name}`
  const primary = key.map(quoteName).join(', ')
  try {
    await connection.transaction(async () => {
      // Two that create the same table at once do not see each other, and one would fail on the catalogue's unique index.
      await connection.query('SELECT pg_catalog.pg_advisory_xact_lock(hashtextextended($1, 0))', [`drover ${name}`])
      await connection.exec(
        `CREATE TABLE IF NOT EXISTS ${target} (LIKE ${source.sql} INCLUDING STORAGE INCLUDING COMMENTS, PRIMARY KEY (${primary}))`,
        { doing },
      )
    })
  } catch (error) {
    if (sqlState((error as Error).cause) !== '3F000') throw error
    const { cause } = error as Error
    throw new DroverError(
      'SINK_NOT_READY',
      `${connection.name}: the archive table "${name}" cannot be created, because there is no schema "${schema}": CREATE SCHEMA ${quoteName(schema ?? '')}`,
      { cause },
    )
  }
}

function notReady(connection: PostgresConnection, shown: string, why: string): DroverError {
  return new DroverError('SINK_NOT_READY', `${connection.name}, ${shown} cannot take the rows: ${why}.`)
}

/** One table, or partitions of one: a row would come back to where it was. */
async function isPartOfOneTable(connection: PostgresConnection, one: Table, other: Table): Promise<boolean> {
  const root = (place: string): string => `coalesce(pg_catalog.pg_partition_root(${place}::oid), ${place}::oid)`
  const { rows } = await connection.query<{ same: boolean }>(`SELECT ${root('$1')} = ${root('$2')} AS same`, [
    one.oid,
    other.oid,
  ])
  return rows[0]?.same === true
}
