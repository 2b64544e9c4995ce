import { DroverError, type RecordSchema, suggestNames } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { quoteName } from '../connection/quote-name.js'
import { addColumns } from '../schema/add-columns.js'
import { createByStatements, createTable } from '../schema/create-table.js'
import { readTable, requireRights, tableNames } from '../schema/read-table.js'
import { findColumn, type Table, type TableRight } from '../schema/table.js'
import type { InvalidText } from '../wire/codecs/text-codec.js'
import { type ConflictPolicy, conflictPolicy, type OnConflict } from './conflict.js'
import { type NewColumns, newColumnsRemedy } from './new-columns.js'

/** Where a sink writes to, and by which rules. */
export interface TargetOptions {
  readonly table: string
  /** As the user gave it; undefined for the schema's or the table's own. */
  readonly key: readonly string[] | undefined
  readonly onConflict: OnConflict
  readonly createTable: boolean | readonly string[]
  readonly coerce: readonly string[]
  readonly invalidText: InvalidText
  readonly json: 'text' | 'value' | undefined
  readonly newColumns: NewColumns
  readonly lockTimeoutMs: number | undefined
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
 * @throws `SINK_NOT_READY` if it is not there, is no table, or lacks columns or the key; `STORE_DENIED` with the rights that are missing.
 */
export async function targetTable(
  connection: PostgresConnection,
  options: TargetOptions,
  schema: RecordSchema | null,
): Promise<TargetTable> {
  const found = (await readTable(connection, options.table)) ?? (await created(connection, options, schema))
  refuseKind(found, options)
  const table = await withColumns(connection, options, found, schema)
  const key = options.onConflict === 'error' ? (options.key ?? []) : (options.key ?? keyOf(table, schema))
  const { merge = [] } = typeof options.onConflict === 'object' ? options.onConflict : {}
  const leavesOut = options.newColumns.policy === 'ignore'
  const fields = (schema?.fields ?? [])
    .map(({ name }) => name)
    .filter((name) => !leavesOut || findColumn(table.columns, name) !== undefined)
  refuseUnknown(table, [...key, ...merge], options, '')
  refuseUnknown(table, fields, options, `. ${newColumnsRemedy}`)
  if (options.onConflict !== 'error') {
    refuseComputed(table, { key, merge }, options)
    refuseKey(table, key, fields, options)
  }
  if (schema !== null) refuseRequired(table, fields, options)
  const policy = conflictPolicy(options.onConflict, key)
  if (policy.kind === 'update')
    refuseIdentity(
      table,
      fields.filter((name) => !key.includes(name)),
      options,
    )
  if (policy.kind === 'merge') refuseIdentity(table, merge, options)
  await requireRights(connection, table, rightsFor(policy))
  return { table, policy }
}

async function created(
  connection: PostgresConnection,
  options: TargetOptions,
  schema: RecordSchema | null,
): Promise<Table> {
  if (typeof options.createTable === 'object') {
    await createByStatements(connection, options.table, options.createTable)
    const table = await readTable(connection, options.table)
    if (table !== null) return table
  } else if (options.createTable && schema !== null) {
    const key = options.key ?? schema.key
    // Said before it is made: a table without a key would stand in the way of the call that gives one.
    if (key.length === 0 && options.onConflict !== 'error')
      throw notReady(
        options,
        'it is not there yet, and the records come without a key, as they do behind a step that changes or repeats it; give key',
      )
    await createTable(connection, options.table, schema, key)
    const table = await readTable(connection, options.table)
    if (table !== null) return table
  }
  const remedy = options.createTable ? '' : ', and createTable is false'
  const suggested = suggestNames(options.table, await tableNames(connection)).replace(/\.$/, '')
  throw notReady(options, `there is no such table${remedy}${suggested}`)
}

/** The table with a column for each field, as far as it is to get some. */
async function withColumns(
  connection: PostgresConnection,
  { table: name, newColumns, lockTimeoutMs }: TargetOptions,
  table: Table,
  schema: RecordSchema | null,
): Promise<Table> {
  const missing = (schema?.fields ?? []).filter((field) => findColumn(table.columns, field.name) === undefined)
  if (newColumns.policy === 'ignore') for (const field of missing) newColumns.leaveOut(field.name)
  if (newColumns.policy !== 'add' || missing.length === 0) return table
  await addColumns(connection, table, missing, lockTimeoutMs)
  newColumns.add(missing)
  return (await readTable(connection, name)) ?? table
}

function refuseKind({ kind }: Table, options: TargetOptions): void {
  if (kind === 'view' || kind === 'materialized view') {
    throw notReady(options, `it is a ${kind}; name the table behind it`)
  }
  if (kind === 'foreign table') {
    throw notReady(
      options,
      'it is a foreign table, whose rows are not in the same transaction as their position; write to its own server',
    )
  }
}

/** The schema's key only if the table has it: the key of a source may be another one. */
function keyOf(table: Table, schema: RecordSchema | null): readonly string[] {
  if (table.primaryKey.length > 0) return table.primaryKey
  return schema?.key ?? []
}

function refuseUnknown(table: Table, names: readonly string[], options: TargetOptions, remedy: string): void {
  const columns = table.columns.map(({ name }) => name)
  for (const name of names) {
    if (columns.includes(name)) continue
    throw notReady(options, `it has no column "${name}"${suggestNames(name, columns).replace(/\.$/, '')}${remedy}`)
  }
}

function refuseComputed(
  table: Table,
  given: { readonly key: readonly string[]; readonly merge: readonly string[] },
  options: TargetOptions,
): void {
  for (const [option, names] of Object.entries(given)) {
    const computed = names.find((name) => findColumn(table.columns, name)?.isGenerated)
    if (computed !== undefined) throw notReady(options, `the ${option} names "${computed}", which computes itself`)
  }
}

/** Without an index that says which rows are the same, ON CONFLICT cannot be run. */
function refuseKey(table: Table, key: readonly string[], fields: readonly string[], options: TargetOptions): void {
  if (key.length === 0) throw notReady(options, 'it has no primary key that says which rows are the same; give key')
  const isOver = (columns: readonly (string | null)[]): boolean =>
    columns.length === key.length && key.every((name) => columns.includes(name))
  const [index] = table.uniqueIndexes
    .filter(({ columns, isPartial }) => isOver(columns) && !isPartial)
    .toSorted((a, b) => Number(a.isDeferrable) - Number(b.isDeferrable))
  const shown = key.map((name) => `"${name}"`).join(', ')
  if (index === undefined) {
    throw notReady(
      options,
      `no primary key or unique index is over exactly (${shown}), so it cannot say which rows are the same; make one: CREATE UNIQUE INDEX ON ${table.sql} (${key.map(quoteName).join(', ')})`,
    )
  }
  if (index.isDeferrable) {
    throw notReady(
      options,
      `its unique index "${index.name}" is deferrable, which ON CONFLICT cannot use; make another one over (${shown})`,
    )
  }
  const missing = key.find((name) => fields.length > 0 && !fields.includes(name) && !hasValue(table, name))
  if (missing !== undefined) throw notReady(options, `the records have no field "${missing}", which belongs to the key`)
}

/** A column that must be filled, that nothing fills and that no record brings: all records would be refused. */
function refuseRequired(table: Table, fields: readonly string[], options: TargetOptions): void {
  const required = table.columns.find(
    ({ name, isNullable }) => !isNullable && !hasValue(table, name) && !fields.includes(name),
  )
  if (required === undefined) return
  throw notReady(
    options,
    `its column "${required.name}" must not be null and has no default, and the records have no such field: set it in a step, or give the column a default`,
  )
}

function hasValue(table: Table, name: string): boolean {
  const column = findColumn(table.columns, name)
  return column !== undefined && (column.hasDefault || column.isGenerated || column.identity !== null)
}

/** Nobody but Postgres changes such a column in a row that is there; the record's value would be lost without a word. */
function refuseIdentity(table: Table, replaced: readonly string[], options: TargetOptions): void {
  const always = replaced.find((name) => findColumn(table.columns, name)?.identity === 'always')
  if (always === undefined) return
  throw notReady(
    options,
    `its column "${always}" is GENERATED ALWAYS AS IDENTITY, which cannot be updated; leave it out of the records, or make it BY DEFAULT`,
  )
}

/** ON CONFLICT reads what it compares. */
function rightsFor({ kind }: ConflictPolicy): readonly TableRight[] {
  if (kind === 'error') return ['INSERT']
  return kind === 'skip' ? ['SELECT', 'INSERT'] : ['SELECT', 'INSERT', 'UPDATE']
}

function notReady({ where }: TargetOptions, why: string): DroverError {
  return new DroverError('SINK_NOT_READY', `${where} cannot take the records: ${why}.`)
}
