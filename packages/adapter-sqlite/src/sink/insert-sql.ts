import { quoteName } from '../connection/quote-name.js'
import { type ConflictPolicy, replacedColumns } from './conflict.js'

/**
 * An INSERT of these columns. OR ABORT overrules the conflict clauses of the table's own DDL, and those of triggers:
 * https://www.sqlite.org/lang_conflict.html, https://www.sqlite.org/lang_createtrigger.html
 *
 * @param from `VALUES (…)`, or a SELECT with a WHERE, without which ON would be taken for that of a join.
 */
export function insertSql(table: string, columns: readonly string[], from: string, policy: ConflictPolicy): string {
  const verb = policy.isOverruling ? 'INSERT OR ABORT' : 'INSERT'
  const into = `${verb} INTO main.${quoteName(table)} (${columns.map(quoteName).join(', ')})`
  return `${into} ${from}${conflictClause(policy, columns)}`
}

/** `VALUES (?, ?)` for one row. */
export function oneRow(count: number): string {
  return `VALUES (${Array.from({ length: count }, () => '?').join(', ')})`
}

function conflictClause(policy: ConflictPolicy, columns: readonly string[]): string {
  if (policy.kind === 'error') return ''
  const on = ` ON CONFLICT (${policy.key.map(quoteName).join(', ')})`
  const replaced = replacedColumns(policy, columns).map(quoteName)
  if (replaced.length === 0) return `${on} DO NOTHING`
  return `${on} DO UPDATE SET ${replaced.map((name) => `${name} = excluded.${name}`).join(', ')}`
}
