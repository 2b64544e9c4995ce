import type { DatabaseContents, DatabaseTable, ForeignKey, TableProblem } from '../contracts/database.js'
import type { Field } from '../contracts/schema.js'
import { DroverError } from '../errors/drover-error.js'
import { suggestNames } from '../errors/nearest.js'
import { globPattern } from '../filters/pattern.js'
import { tableOrder } from './table-order.js'

/** Which tables are copied, in which order, and what has to be said of it. */
export interface CopyPlan {
  /** Those that others refer to first; with the foreign keys that can be made. */
  readonly tables: readonly DatabaseTable[]
  readonly problems: readonly TableProblem[]
  /** Sentences. */
  readonly notes: readonly string[]
}

export interface Selection {
  readonly include?: readonly string[]
  readonly exclude?: readonly string[]
}

/** @throws `NAME_UNKNOWN` if nothing is left, or a name without a pattern is none of a table. */
export function copyPlan(where: string, contents: DatabaseContents, selection: Selection): CopyPlan {
  const chosen = chosenTables(where, contents, selection)
  const notes = chosen.flatMap(({ name, notes = [] }) => notes.map((note) => `table "${name}": ${note}`))
  const { include = ['*'], exclude = [] } = selection
  for (const { name, what } of contents.leftOut) {
    if (matches(include, name) && !matches(exclude, name)) notes.push(`"${name}" is ${what}, which is not copied.`)
  }
  const tables = chosen.map((table) => withPossibleKeys(table, chosen, notes))
  const { order, cycles } = tableOrder(
    new Map(tables.map(({ name, foreignKeys }) => [name, foreignKeys.map(({ references }) => references)])),
  )
  for (const cycle of cycles) {
    const names = cycle.map((name) => `"${name}"`).join(', ')
    notes.push(
      `the tables ${names} refer to each other in a circle: their foreign keys are checked when all rows are there.`,
    )
  }
  const byName = new Map(tables.map((table) => [table.name, table]))
  return {
    tables: order.map((name) => byName.get(name) as DatabaseTable),
    problems: tables.flatMap(({ name, problems = [] }) => problems.map((problem) => ({ table: name, problem }))),
    notes,
  }
}

function chosenTables(where: string, { tables, leftOut }: DatabaseContents, selection: Selection): DatabaseTable[] {
  const { include = ['*'], exclude = [] } = selection
  const known = [...tables, ...leftOut].map(({ name }) => name)
  // A mistyped name would leave a table out, or copy one that was not to be.
  for (const name of [...include, ...exclude]) {
    if (/[*?[]/.test(name) || known.includes(name)) continue
    throw new DroverError('NAME_UNKNOWN', `${where}: there is no table "${name}"${suggestNames(name, known)}`)
  }
  const chosen = tables.filter(({ name }) => matches(include, name) && !matches(exclude, name))
  if (chosen.length > 0) return chosen
  const there = tables.map(({ name }) => `"${name}"`).join(', ') || 'none'
  throw new DroverError('NAME_UNKNOWN', `${where}: there is no table to copy. Tables that are there: ${there}.`)
}

function matches(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => pattern === name || globPattern(pattern, 'include, exclude')(name))
}

/** Without the foreign keys that cannot be made, of which each is said. */
function withPossibleKeys(table: DatabaseTable, all: readonly DatabaseTable[], notes: string[]): DatabaseTable {
  const foreignKeys = table.foreignKeys.filter((key) => {
    const why = impossible(key, table, all)
    if (why !== null)
      notes.push(
        `the foreign key (${key.columns.join(', ')}) of "${table.name}" to "${key.references}" is left out: ${why}.`,
      )
    return why === null
  })
  return { ...table, foreignKeys }
}

function impossible(key: ForeignKey, table: DatabaseTable, all: readonly DatabaseTable[]): string | null {
  const parent = all.find(({ name }) => name === key.references)
  if (parent === undefined) return 'that table is not copied'
  const isOver = (columns: readonly string[]): boolean =>
    columns.length === key.referencedColumns.length && columns.every((name) => key.referencedColumns.includes(name))
  const shown = key.referencedColumns.join(', ')
  if (![parent.key, ...parent.uniqueKeys].some(isOver)) return `no primary or unique key there is over (${shown})`
  const differs = key.columns.find((name, i) => !areComparable(table, name, parent, key.referencedColumns[i] as string))
  return differs === undefined ? null : `"${differs}" is of another type than what it refers to`
}

function areComparable(table: DatabaseTable, name: string, parent: DatabaseTable, other: string): boolean {
  const [own, referenced] = [fieldOf(table, name), fieldOf(parent, other)]
  if (own === undefined || referenced === undefined) return false
  const group = ({ type: { kind } }: Field): string =>
    kind === 'int' || kind === 'decimal' || kind === 'float' ? 'number' : kind
  return group(own) === group(referenced)
}

function fieldOf({ schema }: DatabaseTable, name: string): Field | undefined {
  return schema.fields.find((field) => field.name === name)
}
