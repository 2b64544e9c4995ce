import type { Dialect, Migration } from '../contracts/migration.js'
import type { PlannedRevision } from '../contracts/plan.js'
import type { RecordedStep } from '../contracts/steps.js'
import { type Action, actionsOf } from '../sql/actions.js'
import { Cursor } from '../sql/cursor.js'

/** What one kill takes back at the most, and fewer than the subtransactions that PostgreSQL keeps in memory for each session (64). */
const mostTogether = 50

/**
 * How many of the revisions, from the first one on, may be one transaction: they are quick, and lock nothing that anybody else could use, as they are
 * about tables that they make themselves. Behind a change of a table that is in use nothing may be put off.
 *
 * @param isNew The journal has nothing of it.
 */
export function lightRevisions(
  revisions: readonly PlannedRevision[],
  dialect: Dialect,
  isNew: (id: string) => boolean,
): number {
  const made = new Set<string>()
  const ends = revisions.findIndex(({ migration, steps }, at) => {
    return at >= mostTogether || !isPlain(migration) || !isNew(migration.id) || !areLight(steps, dialect, made)
  })
  return ends === -1 ? revisions.length : ends
}

function isPlain({ transaction = 'one', lockTimeoutMs, ...migration }: Migration): boolean {
  const { preconditions = [], postconditions = [], requires = [] } = migration
  const asked = preconditions.length + postconditions.length + requires.length
  return transaction === 'one' && lockTimeoutMs === undefined && asked === 0
}

/** @param made Tables of this transaction, as they are written; those that the steps make are put into it. */
function areLight(steps: readonly RecordedStep[], dialect: Dialect, made: Set<string>): boolean {
  return steps.every((step) => {
    if (step.kind !== 'sql' || step.isOutside === true) return false
    const actions = actionsOf(step.sql, dialect)
    if (actions.length === 0) return isInsert(new Cursor(step.sql, dialect), made)
    return actions.every((action) => isOwn(action, step.sql, made)) && leansOnOwn(new Cursor(step.sql, dialect), made)
  })
}

function isOwn(action: Action, sql: string, made: Set<string>): boolean {
  switch (action.kind) {
    case 'create-table':
      // What may be there already may be in use.
      if (action.isCopy || /\bif\s+not\s+exists\b/i.test(sql)) return false
      made.add(action.table)
      return true
    case 'create-index':
      return !action.isConcurrent && made.has(action.table)
    case 'add-column':
      return made.has(action.table)
    default:
      return false
  }
}

/** A table that is referred to, inherited from or taken as a model is locked as well. */
function leansOnOwn(cursor: Cursor, made: ReadonlySet<string>): boolean {
  for (; !cursor.isAtEnd; cursor.at++) {
    const { token } = cursor
    if (token?.kind !== 'word') continue
    if (['of', 'like', 'inherits', 'select'].includes(token.value)) return false
    if (cursor.skip('references') && !made.has(cursor.name())) return false
  }
  return true
}

/** Rows that stand in the statement, for a table of this transaction. */
function isInsert(cursor: Cursor, made: ReadonlySet<string>): boolean {
  if (!cursor.skip('insert', 'into') || !made.has(cursor.name())) return false
  const words = cursor.tokens.filter(({ kind }) => kind === 'word').map(({ value }) => value)
  return words.includes('values') && !words.includes('select')
}
