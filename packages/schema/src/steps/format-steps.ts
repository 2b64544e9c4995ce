import type { Dialect } from '../contracts/migration.js'
import type { RecordedStep } from '../contracts/steps.js'
import { inlineValues } from './inline-values.js'

/** Steps as a SQL script, which psql and sqlite3 can run: values as literals, and comments where something cannot be said as SQL. */
export function formatSteps(steps: readonly RecordedStep[], dialect: Dialect): string {
  return steps.map((step) => formatStep(step, dialect)).join('\n')
}

/** One step, with the semicolon. */
export function formatStep(step: RecordedStep, dialect: Dialect): string {
  switch (step.kind) {
    case 'sql': {
      const sql = inlineValues(step.sql, step.values ?? [], dialect)
      // A comment at its end would hide the semicolon.
      const end = /--[^\n]*$/.test(sql) ? '\n;' : ';'
      return `${step.by === undefined ? '' : comment(step.by)}${sql}${end}`
    }
    case 'backfill':
      return comment(`backfill ${step.name}, batch by batch: ${step.detail}`).trimEnd()
    case 'unseen':
      return comment(`not to be seen without the database: ${step.about}`).trimEnd()
  }
}

/** A sentence as comment lines. */
export function comment(text: string): string {
  return text
    .split(/\r\n|\r|\n/)
    .map((line) => `-- ${line}\n`)
    .join('')
}
