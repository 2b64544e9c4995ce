import { DroverError, type RecordSchema, suggestNames } from '@drover/core'
import { quoteName } from '../connection/quote-name.js'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { readTable, tableNames } from '../schema/read-table.js'
import { findColumn, type Table } from '../schema/table.js'
import { writeTransaction } from '../writer/write-turn.js'
import { type ConflictPolicy, conflictPolicy, type OnConflict } from './conflict.js'
import { createTableSql } from './create-table.js'
import { insertSql } from './insert-sql.js'

/** Where a sink writes to, and by which rules. */
export interface TargetOptions {
  readonly table: string
  /** As the user gave it; undefined for the schema's or the table's own. */
  readonly key: readonly string[] | undefined
  readonly onConflict: OnConflict
  readonly createTable: boolean | readonly string[]
  /** Database and table, for messages. */
  readonly where: string
}

/** The table that records go to, checked. */
export interface TargetTable {
  readonly table: Table
  readonly policy: ConflictPolicy
}

/**
 * Finds the table, or creates it for such records.
 *
 * @throws `SINK_NOT_READY` if it is not there, is a view, or lacks columns or the key.
 */
export async function targetTable(
  connection: SqliteConnection,
  options: TargetOptions,
  schema: RecordSchema | null,
): Promise<TargetTable> {
  const table = (await readTable(connection, options.table)) ?? (await created(connection, options, schema))
  if (table.kind === 'view') throw notReady(options, 'it is a view; name the table behind it')
  if (table.kind === 'virtual' && options.onConflict !== 'error') {
    throw notReady(options, `it is a virtual table, which SQLite cannot update by a key; leave onConflict out`)
  }
  const columns = table.columns.map(({ name }) => name)
  const key = options.onConflict === 'error' ? (options.key ?? []) : (options.key ?? keyOf(table, schema))
  const { merge = [] } = typeof options.onConflict === 'object' ? options.onConflict : {}
  for (const name of [...(schema?.fields.map((field) => field.name) ?? []), ...key, ...merge]) {
    if (findColumn(table.columns, name) === undefined) {
      throw notReady(options, `it has no column "${name}"${suggestNames(name, columns).replace(/\.$/, '')}`)
    }
  }
  for (const [option, names] of Object.entries({ key: options.onConflict === 'error' ? [] : key, merge })) {
    const computed = names.find((name) => findColumn(table.columns, name)?.isGenerated)
    if (computed !== undefined) throw notReady(options, `the ${option} names "${computed}", which computes itself`)
  }
  if (options.onConflict !== 'error' && key.length === 0) {
    throw notReady(options, 'it has no primary key that says which rows are the same; give key')
  }
  if (schema !== null) await refuseRequired(connection, table, schema, options)
  const policy = conflictPolicy(options.onConflict, key, table.hasConflictClauses)
  await compile(connection, table, policy, options)
  return { table, policy }
}

async function created(
  connection: SqliteConnection,
  options: TargetOptions,
  schema: RecordSchema | null,
): Promise<Table> {
  if (options.createTable && schema !== null) {
    const key = options.key ?? schema.key
    // Said before it is made: a table without a key would stand in the way of the call that gives one.
    if (key.length === 0 && options.onConflict !== 'error')
      throw notReady(
        options,
        'it is not there yet, and the records come without a key, as they do behind a step that changes or repeats it; give key',
      )
    const statements =
      typeof options.createTable === 'object'
        ? options.createTable
        : [createTableSql(options.table, schema, key, options.where)]
    await writeTransaction(connection, async () => {
      for (const sql of statements) await connection.exec(sql)
    })
    const table = await readTable(connection, options.table)
    if (table !== null) return table
  }
  const remedy = options.createTable ? '' : ', and createTable is false'
  throw notReady(
    options,
    `there is no such table${remedy}${suggestNames(options.table, await tableNames(connection)).replace(/\.$/, '')}`,
  )
}

/** The schema's key only if the table has it: the key of a source may be another one. */
function keyOf(table: Table, schema: RecordSchema | null): readonly string[] {
  if (table.primaryKey.length > 0) return table.primaryKey
  return schema?.key ?? []
}

/** A column that must be filled, that nothing fills and that no record brings: all records would be refused. */
async function refuseRequired(
  connection: SqliteConnection,
  table: Table,
  schema: RecordSchema,
  options: TargetOptions,
): Promise<void> {
  const rows = await connection.all(
    `SELECT name FROM pragma_table_xinfo(?) WHERE "notnull" = 1 AND dflt_value IS NULL AND hidden = 0`,
    [table.name],
  )
  const fields = schema.fields.map((field) => ({ ...field, column: findColumn(table.columns, field.name)?.name }))
  for (const [name] of rows) {
    if (name === table.rowidAlias || fields.some(({ column }) => column === name)) continue
    throw notReady(
      options,
      `its column "${String(name)}" must not be null and has no default, and the records have no such field`,
    )
  }
}

/** Lets SQLite say whether a unique index stands behind the key. */
async function compile(
  connection: SqliteConnection,
  table: Table,
  policy: ConflictPolicy,
  options: TargetOptions,
): Promise<void> {
  const columns = table.columns.filter((column) => !column.isGenerated).map(({ name }) => name)
  if (policy.kind === 'error' || columns.length === 0) return
  const nothing = `SELECT ${columns.map(() => 'NULL').join(', ')} WHERE false`
  try {
    await writeTransaction(connection, () => connection.run(insertSql(table.name, columns, nothing, policy)))
  } catch (error) {
    if (!/ON CONFLICT clause does not match/.test(String(error))) throw error
    const key = policy.key.map(quoteName).join(', ')
    throw notReady(
      options,
      `no primary key or unique index is over exactly (${key}), so it cannot say which rows are the same`,
    )
  }
}

function notReady({ where }: TargetOptions, why: string): DroverError {
  return new DroverError('SINK_NOT_READY', `${where} cannot take the records: ${why}.`)
}
