import type { Dialect, Migration } from '../contracts/migration.js'
import type { UnsafeRule } from '../contracts/plan.js'
import type { Action } from '../sql/actions.js'

/** What a rule says of one action. */
export interface Verdict {
  readonly rule: UnsafeRule
  readonly severity: 'refuse' | 'warn'
  readonly message: string
}

/** What is known when an action is judged: the revision before it, and the database if there is one. */
export interface Surroundings {
  readonly dialect: Dialect
  readonly migration: Migration
  /** The table was made by this revision, or has no rows. */
  isNew(table: string): boolean
  /** Rows, where a database was asked. */
  rowsOf(table: string): number | undefined
  /** The revision has copied the table's rows elsewhere before. */
  isArchived(table: string): boolean
  /** The type that a column has now, where a database was asked. */
  typeOf(table: string, column: string): string | undefined
  /** A validated CHECK says already that the column is never NULL. */
  isChecked(table: string, column: string): boolean
}

/** Functions whose value differs from row to row, so that PostgreSQL writes each row anew. */
const volatile =
  /\b(?:random|gen_random_uuid|uuid_generate_v\w+|clock_timestamp|timeofday|nextval|statement_timestamp)\s*\(/i
/** Rows that one statement may change without being told off. */
const manyRows = 10_000

/** What is unsafe about an action on a database that is in use; undefined if nothing is. */
export function judge(action: Action, around: Surroundings): Verdict | undefined {
  if ('table' in action && action.kind !== 'create-table' && around.isNew(action.table)) return undefined
  return onBoth(action, around) ?? (around.dialect === 'postgres' ? onPostgres(action, around) : undefined)
}

function onBoth(action: Action, around: Surroundings): Verdict | undefined {
  const { migration } = around
  switch (action.kind) {
    case 'drop-column':
    case 'drop-table':
    case 'truncate':
      return dropped(action, around)
    case 'rename-column':
    case 'rename-table': {
      const isColumn = action.kind === 'rename-column'
      const what = isColumn ? `${action.table}.${action.column}` : action.table
      return {
        rule: isColumn ? 'column-renamed' : 'table-renamed',
        severity: migration.breaking === true ? 'warn' : 'refuse',
        message:
          `${what} gets the name ${action.to}, and code that is running knows only the old one. ` +
          `${isColumn ? 'Add the new column, write both, backfill, and drop the old one in a later revision' : 'Keep a view under the old name'}; or say breaking: true.`,
      }
    }
    case 'change-rows':
      return changedRows(action, around)
    case 'drop-schema':
      return {
        rule: 'table-dropped',
        severity: 'refuse',
        message: `DROP SCHEMA ${action.schema} CASCADE takes all tables in it along: drop each by its name, so that its rows are counted.`,
      }
    case 'drop-dependents':
      return {
        rule: action.takesColumns ? 'column-dropped' : 'unknown-statement',
        severity: action.takesColumns ? 'refuse' : 'warn',
        message: `${action.what} takes along whatever hangs on it, ${action.takesColumns ? 'columns and their values too' : 'views, triggers and defaults too'}: drop that by its name before, and leave CASCADE out.`,
      }
    case 'drop-constraint':
      return {
        rule: 'constraint-dropped',
        severity: 'warn',
        message: `Nothing keeps ${action.table} from what ${action.name} refused any more.`,
      }
    case 'unknown':
      return {
        rule: 'unknown-statement',
        severity: 'warn',
        message: `What ${action.what} does cannot be judged from its text: read it yourself.`,
      }
    default:
      return undefined
  }
}

function dropped(
  action: Extract<Action, { readonly kind: 'drop-column' | 'drop-table' | 'truncate' }>,
  around: Surroundings,
): Verdict | undefined {
  const { table } = action
  if (around.isArchived(table)) return undefined
  const rows = around.rowsOf(table)
  const counted = rows === undefined ? 'what is in it' : `what is in its ${rows} rows`
  const remedy = `archive it first: await schema.archiveTable('${table}'); or say in assured why nobody needs it.`
  if (action.kind === 'drop-column') {
    const message = `${table}.${action.column} is dropped with ${counted}, and code that is running may still read it: ${remedy}`
    return { rule: 'column-dropped', severity: 'refuse', message }
  }
  const isDrop = action.kind === 'drop-table'
  return {
    rule: isDrop ? 'table-dropped' : 'truncated',
    severity: 'refuse',
    message: `${table} is ${isDrop ? 'dropped' : 'emptied'} with ${counted}: ${remedy}`,
  }
}

function changedRows(
  action: Extract<Action, { readonly kind: 'change-rows' }>,
  around: Surroundings,
): Verdict | undefined {
  const { table, by, isAll } = action
  // Of what a REPLACE takes along the rows are counted behind it.
  if (by === 'replace') return undefined
  const rows = around.rowsOf(table)
  if (rows !== undefined && rows <= manyRows) return undefined
  const many =
    rows === undefined ? (isAll ? 'All rows' : 'Rows') : `Of ${rows} rows, ${isAll ? 'all' : 'those that fit'}`
  return {
    rule: 'rows-changed-at-once',
    severity: rows === undefined ? 'warn' : 'refuse',
    message:
      `${many} of ${table} are ${by === 'update' ? 'updated' : 'deleted'} by one statement, which keeps them locked until the revision ends` +
      `${by === 'update' ? ': use backfill, which works batch by batch' : ': do it in batches'}.`,
  }
}

function onPostgres(action: Action, around: Surroundings): Verdict | undefined {
  switch (action.kind) {
    case 'add-column':
      return addedColumn(action)
    case 'column-type':
      return changedType(action, around)
    case 'set-not-null':
      if (around.isChecked(action.table, action.column)) return undefined
      return {
        rule: 'not-null-unchecked',
        severity: 'refuse',
        message:
          `SET NOT NULL reads all of ${action.table} while nobody can use it. Use schema.addNotNull('${action.table}', '${action.column}'), ` +
          'which has a check validated before.',
      }
    case 'add-constraint':
      return addedConstraint(action)
    case 'create-index':
      if (action.isConcurrent) return undefined
      return {
        rule: 'index-not-concurrent',
        severity: 'refuse',
        message: `Nobody can write to ${action.table} until the index ${action.name} is built: use schema.concurrentIndex in a revision with transaction: 'none'.`,
      }
    case 'drop-index':
      if (action.isConcurrent) return undefined
      return {
        rule: 'index-dropped-not-concurrently',
        severity: 'warn',
        message: `Dropping ${action.name} waits for all who use its table, and everybody else waits behind it: dropIndex(…, { concurrently: true }).`,
      }
    case 'locks-out':
      return {
        rule: 'locks-out',
        severity: action.isRefused ? 'refuse' : 'warn',
        message: `${action.by} keeps others out of ${action.table} until the revision ends; where there is a form with CONCURRENTLY, use it in a revision with transaction: 'none'.`,
      }
    case 'rewrite':
      return {
        rule: 'table-rebuilt',
        severity: 'refuse',
        message: `${action.by.toUpperCase()} writes ${action.table === '' ? 'all tables' : action.table} anew while nobody can read it.`,
      }
    default:
      return undefined
  }
}

function addedColumn(action: Extract<Action, { readonly kind: 'add-column' }>): Verdict | undefined {
  const { table, column, type } = action
  const what = `${table}.${column}`
  if (action.isNotNull && action.default === undefined && !action.isGenerated && !/serial/.test(type)) {
    return {
      rule: 'not-null-unchecked',
      severity: 'refuse',
      message: `${what} is NOT NULL without a default, which no row that is there fulfils: give it a default, or add it nullable, backfill, and use addNotNull.`,
    }
  }
  if (action.isGenerated || /^(?:small|big)?serial/.test(type) || volatile.test(withoutTexts(action.default ?? ''))) {
    return {
      rule: 'volatile-default',
      severity: 'refuse',
      message: `${what} gets a value of its own in each row, so all of ${table} is written anew while nobody can use it: add it without, set the default then, and backfill.`,
    }
  }
  if (action.isUnique) {
    return {
      rule: 'unique-constraint-at-once',
      severity: 'refuse',
      message: `Nobody can use ${table} until the index of ${what} is built: add the column without, build the index with concurrentIndex, then ADD CONSTRAINT … USING INDEX.`,
    }
  }
  if (action.isChecked) {
    return {
      rule: 'check-validated-at-once',
      severity: 'refuse',
      message: `Nobody can use ${table} until the check of ${what} has looked at all rows: add the column without, then the check NOT VALID, and VALIDATE it in a revision behind this one.`,
    }
  }
  const isNull = action.default === undefined || /^\s*null\b/i.test(action.default)
  if (action.refersTo !== undefined && !isNull) {
    return {
      rule: 'foreign-key-validated-at-once',
      severity: 'refuse',
      message: `Nobody can write to ${table} or ${action.refersTo} until the key of ${what} has looked at all rows: add the column without, then schema.addForeignKey.`,
    }
  }
  if (type === 'json') {
    return {
      rule: 'json-column',
      severity: 'warn',
      message: `${what} is json, which has no equality: SELECT DISTINCT of it fails. jsonb has.`,
    }
  }
  return undefined
}

/** What a text says is no function. */
function withoutTexts(sql: string): string {
  return sql.replaceAll(/'(?:[^']|'')*'/g, "''")
}

function changedType(
  action: Extract<Action, { readonly kind: 'column-type' }>,
  around: Surroundings,
): Verdict | undefined {
  const { table, column, type } = action
  const from = around.typeOf(table, column)
  if (from !== undefined && isWider(from, type)) return undefined
  return {
    rule: 'type-changed',
    severity: 'refuse',
    message:
      `The type of ${table}.${column} changes${from === undefined ? '' : ` from ${from}`} to ${type}: unless it is only wider, all rows are written anew while nobody can ` +
      'use the table. Add a new column, write both, backfill, and change over.',
  }
}

const texts = /^(?:character varying|varchar|text)\b/

/** PostgreSQL changes these without touching a row: longer texts, more digits before the same number behind the point. */
export function isWider(from: string, to: string): boolean {
  if (from.toLowerCase() === to.toLowerCase()) return true
  if (texts.test(from) && texts.test(to)) {
    const [a, b] = [lengthOf(from), lengthOf(to)]
    return b === undefined || (a !== undefined && a <= b)
  }
  const [a, b] = [
    /^(?:numeric|decimal)\((\d+),\s*(\d+)\)$/.exec(from),
    /^(?:numeric|decimal)(?:\((\d+),\s*(\d+)\))?$/.exec(to),
  ]
  return a !== null && b !== null && (b[1] === undefined || (a[2] === b[2] && Number(a[1]) <= Number(b[1])))
}

function lengthOf(type: string): number | undefined {
  const found = /\((\d+)\)/.exec(type)
  return found === null ? undefined : Number(found[1])
}

function addedConstraint(action: Extract<Action, { readonly kind: 'add-constraint' }>): Verdict | undefined {
  const { table, of, isNotValid, isUsingIndex } = action
  const name = action.name === '' ? `a ${of}` : action.name
  if (of === 'foreign key') {
    if (isNotValid) return undefined
    return {
      rule: 'foreign-key-validated-at-once',
      severity: 'refuse',
      message: `Nobody can write to ${table} or to the table that it refers to until ${name} has looked at all rows: use schema.addForeignKey, which adds it NOT VALID and validates then.`,
    }
  }
  if (of === 'check') {
    if (isNotValid) return undefined
    return {
      rule: 'check-validated-at-once',
      severity: 'refuse',
      message: `Nobody can use ${table} until ${name} has looked at all rows: add it NOT VALID, and VALIDATE it in a revision behind this one.`,
    }
  }
  if (isUsingIndex) return undefined
  return {
    rule: 'unique-constraint-at-once',
    severity: 'refuse',
    message: `Nobody can use ${table} until the index of ${name} is built: build it with concurrentIndex, then ADD CONSTRAINT … USING INDEX.`,
  }
}
