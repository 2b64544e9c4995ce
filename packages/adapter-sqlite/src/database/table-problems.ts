import type { DatabaseTable, TableFindings, TableProblem, TableWriting } from '@drover/core'
import { quoteName } from '../connection/quote-name.js'
import type { SqliteConnection } from '../connection/sqlite-connection.js'
import { readTable } from '../schema/read-table.js'
import { findColumn, sameName, type Table } from '../schema/table.js'
import { fidelityIssues } from '../sink/fidelity.js'
import { stateTables } from '../state/state-tables.js'
import { declaredKeys } from './foreign-keys.js'

export interface ProblemOptions extends TableWriting {
  readonly isFresh: boolean
  readonly tablePrefix: string | undefined
}

/** What keeps tables from being written into this database, and what will not be as somebody may think. */
export async function tableProblems(
  connection: SqliteConnection,
  tables: readonly DatabaseTable[],
  options: ProblemOptions,
): Promise<TableFindings> {
  const problems: TableProblem[] = []
  const notes: string[] = []
  const missing: string[] = []
  for (const table of tables) {
    const found = await readTable(connection, table.name)
    const own = [...nameProblems(table, tables, options.tablePrefix)]
    if (found === null) missing.push(table.name)
    else {
      own.push(...(await existingProblems(connection, table, found, options)))
      if (options.foreignKeys) notes.push(...(await missingKeys(connection, table, found)))
    }
    problems.push(...own.map((problem) => ({ table: table.name, problem })))
  }
  return { problems, notes, missing }
}

function* nameProblems(
  { name, schema }: DatabaseTable,
  all: readonly DatabaseTable[],
  tablePrefix: string | undefined,
): Generator<string> {
  if (sameName(name.slice(0, 7), 'sqlite_')) yield 'SQLite keeps names that begin with sqlite_ to itself; rename it.'
  if (stateTables(tablePrefix).names.some((own) => sameName(own, name)))
    yield 'a table of Drover has that name here; give sqliteDatabase another tablePrefix.'
  for (const other of all) {
    if (other.name !== name && sameName(other.name, name))
      yield `its name and that of "${other.name}" are the same to SQLite, which does not look at the case of letters.`
  }
  for (const [i, field] of schema.fields.entries()) {
    const same = schema.fields.slice(0, i).find((before) => sameName(before.name, field.name))
    if (same !== undefined)
      yield `its columns "${same.name}" and "${field.name}" are the same to SQLite, which does not look at the case of letters.`
  }
}

async function existingProblems(
  connection: SqliteConnection,
  { schema, key }: DatabaseTable,
  found: Table,
  { onConflict, isFresh }: ProblemOptions,
): Promise<string[]> {
  if (found.kind !== 'table') return [`there is a ${found.kind === 'view' ? 'view' : 'virtual table'} of that name.`]
  const lacking = schema.fields.filter(({ name }) => findColumn(found.columns, name) === undefined)
  const problems = lacking.map(({ name }) => `the table that is there has no column "${name}".`)
  const required = await connection.all(
    `SELECT name FROM pragma_table_xinfo(?) WHERE "notnull" = 1 AND dflt_value IS NULL AND hidden = 0`,
    [found.name],
  )
  for (const [name] of required as [string][]) {
    if (name !== found.rowidAlias && !schema.fields.some((field) => sameName(field.name, name)))
      problems.push(`the table that is there has a column "${name}" that must not be null, and nothing fills it.`)
  }
  for (const { field, loses } of fidelityIssues(schema, found, []))
    problems.push(`"${field}": ${loses}. Copy it with a pipeline of its own that accepts this by coerce.`)
  const isOver = (columns: readonly string[]): boolean =>
    columns.length === key.length && columns.every((name) => key.some((other) => sameName(other, name)))
  if (onConflict !== 'error' && key.length > 0 && ![found.primaryKey, ...found.uniqueKeys].some(isOver))
    problems.push(`the table that is there has no primary or unique key over exactly (${key.join(', ')}).`)
  if (isFresh && onConflict === 'error') {
    const row = await connection.get(`SELECT 1 FROM main.${quoteName(found.name)} LIMIT 1`)
    if (row !== undefined) problems.push(`there are rows in it already; empty it, or copy with onConflict.`)
  }
  return problems
}

/** Foreign keys that the table that is there does not have. */
async function missingKeys(
  connection: SqliteConnection,
  { name, foreignKeys }: DatabaseTable,
  found: Table,
): Promise<string[]> {
  const there = await declaredKeys(connection, found, [])
  return foreignKeys
    .filter(
      ({ columns, references }) =>
        !there.some(
          (key) =>
            sameName(key.references, references) &&
            key.columns.length === columns.length &&
            columns.every((column, i) => sameName(key.columns[i] ?? '', column)),
        ),
    )
    .map(
      ({ columns, references }) =>
        `table "${name}" is there without the foreign key (${columns.join(', ')}) to "${references}", and SQLite cannot add one to a table.`,
    )
}
