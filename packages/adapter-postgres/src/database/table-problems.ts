import type { DatabaseTable, TableFindings, TableProblem, TableWriting } from '@drover/core'
import type { PostgresConnection } from '../connection/postgres-connection.js'
import { readTable } from '../schema/read-table.js'
import { findColumn, type Table } from '../schema/table.js'
import { fidelityIssues } from '../sink/fidelity.js'
import { type StateLocation, stateTables } from '../state/state-tables.js'
import { readForeignKeys } from './foreign-keys.js'

export interface ProblemOptions extends TableWriting {
  readonly isFresh: boolean
  readonly schema: string
  readonly state: StateLocation
}

/** The rest would be cut off without a word: NAMEDATALEN. */
const mostNameBytes = 63

/** What keeps tables from being written into this schema, and what may come of foreign keys that are there. */
export async function tableProblems(
  connection: PostgresConnection,
  tables: readonly DatabaseTable[],
  options: ProblemOptions,
): Promise<TableFindings> {
  const problems: TableProblem[] = []
  const notes: string[] = []
  const missing: string[] = []
  const keys = await readForeignKeys(connection, options.schema)
  for (const [place, table] of tables.entries()) {
    const { name } = table
    const found = await readTable(connection, `${options.schema}.${name}`)
    const own = [...nameProblems(table, options)]
    if (found === null) missing.push(name)
    else own.push(...(await existingProblems(connection, table, found, options)))
    problems.push(...own.map((problem) => ({ table: name, problem })))
    if (!options.isFresh) continue
    const before = new Set(tables.slice(0, place).map((other) => other.name))
    for (const { name: constraint, key } of keys.filter((one) => one.table === name && !before.has(one.key.references)))
      notes.push(
        `table "${name}" has the foreign key "${constraint}" already, to "${key.references}", whose rows may come later than those that refer to them: if they do, drop it; it is added in the end.`,
      )
  }
  return { problems, notes, missing }
}

function* nameProblems({ name, schema }: DatabaseTable, { schema: into, state }: ProblemOptions): Generator<string> {
  const { names, schema: stateSchema } = stateTables(state)
  if (names.includes(name) && (stateSchema === null || stateSchema === into))
    yield 'a table of Drover has that name here; give postgresDatabase a stateSchema or another tablePrefix.'
  for (const one of [name, ...schema.fields.map((field) => field.name)]) {
    if (Buffer.byteLength(one) > mostNameBytes)
      yield `the name "${one}" has more than ${mostNameBytes} bytes, and PostgreSQL would cut it off.`
  }
}

async function existingProblems(
  connection: PostgresConnection,
  { schema, key }: DatabaseTable,
  found: Table,
  { onConflict, isFresh }: ProblemOptions,
): Promise<string[]> {
  if (found.kind !== 'table' && found.kind !== 'partitioned table') return [`there is a ${found.kind} of that name.`]
  const lacking = schema.fields.filter(({ name }) => findColumn(found.columns, name) === undefined)
  const problems = lacking.map(({ name }) => `the table that is there has no column "${name}".`)
  for (const { name, isNullable, hasDefault, isGenerated, identity } of found.columns) {
    if (isNullable || hasDefault || isGenerated || identity !== null) continue
    if (!schema.fields.some((field) => field.name === name))
      problems.push(`the table that is there has a column "${name}" that must not be null, and nothing fills it.`)
  }
  for (const { field, loses } of fidelityIssues(schema, found, []))
    problems.push(`"${field}": ${loses}. Copy it with a pipeline of its own that accepts this by coerce.`)
  const isOver = (columns: readonly (string | null)[]): boolean =>
    columns.length === key.length && key.every((name) => columns.includes(name))
  const isKeyed = found.uniqueIndexes.some(({ columns, isPartial }) => !isPartial && isOver(columns))
  if (onConflict !== 'error' && key.length > 0 && !isKeyed)
    problems.push(`the table that is there has no primary or unique key over exactly (${key.join(', ')}).`)
  if (!found.rights.includes('INSERT')) problems.push('this user may not insert into the table that is there.')
  else if (isFresh && onConflict === 'error' && found.rights.includes('SELECT')) {
    const { rows } = await connection.query(`SELECT FROM ${found.sql} LIMIT 1`)
    if (rows.length > 0) problems.push('there are rows in it already; empty it, or copy with onConflict.')
  }
  return problems
}
