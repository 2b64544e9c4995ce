import {
  checkChoice,
  checkFlag,
  checkNames,
  checkOptionNames,
  checkText,
  checkWholeNumber,
  DroverError,
} from '@drover/core'
import type { Migration } from '../contracts/migration.js'

const known = [
  'id',
  'dependsOn',
  'description',
  'breaking',
  'compatible',
  'actions',
  'preconditions',
  'up',
  'down',
  'postconditions',
  'transaction',
  'idempotent',
  'requires',
  'assured',
  'lockTimeoutMs',
] as const satisfies readonly (keyof Migration)[]

/** Words that mean something as a target. */
const reserved = ['head', 'heads', 'base', 'current']

/** Nothing in it has a meaning in a target or a range. */
const idPattern = /^[\p{L}\p{N}_][\p{L}\p{N}_.-]{0,199}$/u

/**
 * Describes one versioned change of schema and data, and checks the description. Nothing happens before a migrator runs it.
 *
 * @throws `REVISION_INVALID`
 *
 * @example
 * export default defineMigration({
 *   id: '002_priority',
 *   dependsOn: '001_calls',
 *   up: ({ schema }) => schema.addColumn('calls', 'priority', { type: 'integer', nullable: false, default: 0 }),
 *   down: ({ schema }) => schema.dropColumn('calls', 'priority'),
 * })
 */
export function defineMigration(migration: Migration): Migration {
  try {
    check(migration)
  } catch (error) {
    if (!DroverError.isInstance(error, 'OPTION_INVALID')) throw error
    throw new DroverError('REVISION_INVALID', error.message, { cause: error })
  }
  return Object.freeze({ ...migration })
}

/** The revisions it depends on, without repetition. */
export function parentsOf({ dependsOn = [] }: Pick<Migration, 'dependsOn'>): readonly string[] {
  return typeof dependsOn === 'string' ? [dependsOn] : [...new Set(dependsOn)]
}

/** Whether instances of an older release may work on a database that has it. */
export function isCompatible({ breaking = false, compatible = !breaking }: Migration): boolean {
  return compatible
}

function check(migration: Migration): void {
  const { id } = migration ?? {}
  const where = typeof id === 'string' && id !== '' ? `revision ${id}` : 'defineMigration'
  checkOptionNames(where, migration, known)
  checkText(where, 'id', id)
  if (!idPattern.test(id) || reserved.includes(id)) {
    throw invalid(
      `${where}: an id has letters, digits, "_", "." and "-", begins with none of the last two, has 200 of them at most, and is none of the words ${reserved.join(', ')}.`,
    )
  }
  if (typeof migration.dependsOn === 'string') checkText(where, 'dependsOn', migration.dependsOn)
  else checkNames(where, 'dependsOn', migration.dependsOn)
  if (parentsOf(migration).includes(id)) throw invalid(`${where}: it depends on itself.`)
  for (const name of ['breaking', 'compatible', 'idempotent'] as const) checkFlag(where, name, migration[name])
  for (const name of ['actions', 'requires'] as const) checkNames(where, name, migration[name])
  if (migration.description !== undefined && typeof migration.description !== 'string')
    throw invalid(`${where}: description is a text.`)
  checkChoice(where, 'transaction', migration.transaction, ['one', 'none'])
  checkWholeNumber(where, 'lockTimeoutMs', migration.lockTimeoutMs, 1)
  checkFunctions(where, migration)
  for (const [rule, why] of Object.entries(migration.assured ?? {})) checkText(where, `assured['${rule}']`, why)
}

function checkFunctions(where: string, { up, down, preconditions = [], postconditions = [] }: Migration): void {
  if (typeof up !== 'function')
    throw invalid(`${where}: up is a function; it is given { schema, sql, knex, backfill, … }.`)
  if (down !== undefined && typeof down !== 'function') {
    if (typeof down !== 'object' || down === null || typeof down.irreversible !== 'string')
      throw invalid(`${where}: down is a function, or irreversible('why').`)
  }
  for (const [name, conditions] of Object.entries({ preconditions, postconditions })) {
    if (!Array.isArray(conditions) || conditions.some((one) => typeof one !== 'function'))
      throw invalid(`${where}: ${name} is a list of conditions, which are functions.`)
  }
}

function invalid(message: string): DroverError {
  return new DroverError('REVISION_INVALID', message)
}
