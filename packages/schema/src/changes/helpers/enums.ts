import { checkOptionNames, DroverError } from '@drover/core'
import type { Steps } from '../../contracts/steps.js'
import { quoteTable, quoteText } from '../../sql/quote.js'
import { changeInPostgres } from './enums-postgres.js'
import { changeInSqlite, refuseUsed } from './enums-sqlite.js'

/**
 * Makes an enum. SQLite has no types: there an enum is the list in the CHECK of each column that was declared with its name as `type` and with
 * `values`, and there is nothing to make before the first column.
 */
export async function createEnum(steps: Steps, name: string, values: readonly string[]): Promise<void> {
  const by = `createEnum ${name}`
  checkValues(by, values)
  if (steps.dialect === 'sqlite') return
  await steps.run(`CREATE TYPE ${quoteTable(name)} AS ENUM (${values.map(text).join(', ')})`, { by })
}

/** Adds a value. PostgreSQL refuses to use it in the same transaction. */
export async function addEnumValue(
  steps: Steps,
  name: string,
  value: string,
  where: { readonly before?: string; readonly after?: string } = {},
): Promise<void> {
  const by = `addEnumValue ${name}`
  checkOptionNames(by, where, ['before', 'after'])
  const { before, after } = where
  if (before !== undefined && after !== undefined) {
    throw new DroverError('OPTION_INVALID', `${by}: give before or after, not both.`)
  }
  if (steps.dialect === 'sqlite') {
    return changeInSqlite(steps, by, name, {
      asked: { value },
      change: (values) => (values.includes(value) ? values : [...values, value]),
      map: {},
    })
  }
  const place = before !== undefined ? ` BEFORE ${text(before)}` : after !== undefined ? ` AFTER ${text(after)}` : ''
  await steps.run(`ALTER TYPE ${quoteTable(name)} ADD VALUE IF NOT EXISTS ${text(value)}${place}`, {
    by,
    isRepeatable: true,
  })
}

/** Gives a value another name, in all rows that have it. */
export async function renameEnumValue(steps: Steps, name: string, from: string, to: string): Promise<void> {
  const by = `renameEnumValue ${name}`
  if (steps.dialect === 'sqlite') {
    return changeInSqlite(steps, by, name, {
      asked: { from, to },
      change: (values) => values.map((value) => (value === from ? to : value)),
      map: { [from]: to },
    })
  }
  await steps.run(`ALTER TYPE ${quoteTable(name)} RENAME VALUE ${text(from)} TO ${text(to)}`, { by })
}

/**
 * Gives an enum other values. `map` says what becomes of those that are gone; columns, their defaults, indexes, checks and views are changed with it.
 *
 * @throws `LOSS_REFUSED` if rows have a value that is neither kept nor mapped
 */
export async function changeEnum(
  steps: Steps,
  name: string,
  values: readonly string[],
  map: Readonly<Record<string, string>> = {},
): Promise<void> {
  const by = `changeEnum ${name}`
  checkValues(by, values)
  const unknown = Object.values(map).filter((value) => !values.includes(value))
  if (unknown.length > 0) {
    throw new DroverError('OPTION_INVALID', `${by}: map gives ${unknown.join(', ')}, which is none of the new values.`)
  }
  if (steps.dialect === 'sqlite')
    return changeInSqlite(steps, by, name, { asked: { values, map }, change: () => values, map })
  await changeInPostgres(steps, by, name, values, map)
}

/** Drops an enum that no column has any more. */
export async function dropEnum(steps: Steps, name: string): Promise<void> {
  const by = `dropEnum ${name}`
  if (steps.dialect === 'sqlite') return refuseUsed(steps, by, name)
  await steps.run(`DROP TYPE ${quoteTable(name)}`, { by })
}

function checkValues(by: string, values: readonly string[]): void {
  const twice = values.find((value, at) => values.indexOf(value) !== at)
  if (values.length > 0 && twice === undefined) return
  throw new DroverError(
    'OPTION_INVALID',
    `${by}: ${twice === undefined ? 'an enum has at least one value' : `${twice} is there twice`}.`,
  )
}

function text(value: string): string {
  return quoteText(value, 'postgres')
}
