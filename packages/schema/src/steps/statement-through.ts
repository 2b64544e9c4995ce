import { DroverError, type Row } from '@drover/core'
import type { Steps } from '../contracts/steps.js'
import type { StatementResult } from '../database/statement-result.js'
import { bareStatement } from '../database/statement-shown.js'
import { statementKind } from '../sql/statement-kind.js'
import { statementsOf } from '../sql/tokens.js'

/**
 * One statement of the revision's own, as a step or as something that is read. Rows of a step that was done before an interruption are not given
 * again.
 *
 * @throws `OPTION_INVALID` for one that begins or ends a transaction, and for `PRAGMA foreign_keys`.
 */
export async function statementThrough(
  steps: Steps,
  sql: string,
  values: readonly unknown[] = [],
): Promise<StatementResult> {
  const { kind, isOutside } = statementKind(sql, steps.dialect)
  if (kind === 'transaction') {
    throw refused(
      steps,
      sql,
      'the revision begins and ends its transaction by itself; what is to stand alone goes into a revision with transaction: "none"',
    )
  }
  if (kind === 'read') {
    const rows = await steps.read(sql, values)
    return { rows, count: rows.length }
  }
  if (/^\s*pragma\s+(?:\w+\.)?(?:foreign_keys|defer_foreign_keys)\b/i.test(sql)) {
    throw refused(
      steps,
      sql,
      'SQLite ignores it within a transaction; helpers that make a table anew switch foreign keys off by themselves',
    )
  }
  let result: StatementResult | undefined
  const onResult = (given: StatementResult): void => {
    result = given
  }
  const count = await steps.run(sql, { values, isOutside, onResult })
  return result ?? { rows: [], count }
}

/** SQL of the revision's own: of several statements, which have no values, each is a step. Rows are those of the last one. */
export async function runStatements(steps: Steps, text: string, values?: readonly unknown[]): Promise<readonly Row[]> {
  const statements = statementsOf(text, steps.dialect)
  if (statements.length > 1 && values !== undefined && values.length > 0) {
    throw refused(steps, text, 'values are for one statement; call sql() for each')
  }
  let rows: readonly Row[] = []
  for (const statement of statements) rows = (await statementThrough(steps, statement, values)).rows
  return rows
}

function refused({ dialect }: Steps, sql: string, why: string): DroverError {
  return new DroverError('OPTION_INVALID', `${bareStatement(sql, dialect)} is refused in a revision: ${why}.`)
}
