import { foreignKeyChildren } from '../catalog/foreign-key-children.js'
import type { Catalog } from '../contracts/catalog.js'
import type { Dialect } from '../contracts/migration.js'
import type { RecordedStep } from '../contracts/steps.js'
import { actionsOf } from '../sql/actions.js'
import { tokensOf } from '../sql/tokens.js'
import { bare } from './table-names.js'

/** Tables that the steps speak of, and those that refer to them. Where the steps cannot all be seen, it is all tables. */
export function touchedTables(steps: readonly RecordedStep[], catalog: Catalog): string[] {
  const { dialect, tables } = catalog
  if (steps.some(({ kind }) => kind === 'unseen')) return tables.map(({ name }) => name)
  const words = new Set<string>()
  for (const step of steps) {
    if (step.kind === 'backfill') words.add(bare(step.table, dialect))
    if (step.kind !== 'sql') continue
    const isCode = actionsOf(step.sql, dialect).some(({ kind }) => kind === 'unknown')
    for (const word of wordsOf(step.sql, dialect, isCode)) words.add(bare(word, dialect))
  }
  const touched = tables.filter(({ name }) => words.has(bare(name, dialect))).map(({ name }) => name)
  return [...new Set([...touched, ...touched.flatMap((table) => foreignKeyChildren(catalog, table))])]
}

/** @param isCode What it speaks of is in its texts, and in texts within those: DO $$ … $$. */
function wordsOf(sql: string, dialect: Catalog['dialect'], isCode: boolean): string[] {
  return tokensOf(sql, dialect).flatMap(({ kind, value }) => {
    if (kind === 'word' || kind === 'name') return [value]
    return isCode && kind === 'text' ? wordsOf(value, dialect, true) : []
  })
}

/** Whether rows are brought in or changed where something else may answer by taking rows away: a trigger, a rule, ON CONFLICT REPLACE. */
export function mayFire(steps: readonly RecordedStep[], catalog: Catalog): boolean {
  const { dialect, triggers, tables, others } = catalog
  const says = (sql: string | undefined, ...words: readonly string[]): boolean =>
    tokensOf(sql ?? '', dialect).some(({ kind, value }) => kind === 'word' && words.includes(value))
  const answers = [
    ...triggers.filter(({ sql }) => dialect === 'postgres' || says(sql, 'delete', 'replace')).map(({ table }) => table),
    ...tables.filter(({ sql }) => says(sql, 'replace')).map(({ name }) => name),
    ...others.filter(({ kind }) => kind === 'rule').map(({ name }) => name.slice(0, name.lastIndexOf('.'))),
  ].map((name) => bare(name, dialect))
  return steps.some(
    (step) =>
      isChange(step) &&
      tokensOf(step.sql, dialect).some(
        ({ kind, value }) => (kind === 'word' || kind === 'name') && answers.includes(bare(value, dialect)),
      ),
  )
}

export function isChange(step: RecordedStep): step is RecordedStep & { readonly kind: 'sql' } {
  return step.kind === 'sql' && /^\s*(?:insert|update|merge|with|copy)\b/i.test(step.sql)
}

/** Whether the steps can take a row away at all: counting a large table takes its time, so it is not done for a column or an index that is added. */
export function canLoseRows(steps: readonly RecordedStep[], dialect: Dialect): boolean {
  return steps.some((step) => {
    if (step.kind === 'unseen') return true
    if (step.kind !== 'sql') return false
    if (step.by?.startsWith('rebuildTable ')) return true
    return actionsOf(step.sql, dialect).some(
      (action) =>
        action.kind === 'drop-table' ||
        action.kind === 'drop-schema' ||
        action.kind === 'truncate' ||
        action.kind === 'unknown' ||
        (action.kind === 'change-rows' && action.by !== 'update') ||
        // SQLite: an UPDATE of a parent's key may cascade.
        (action.kind === 'change-rows' && dialect === 'sqlite'),
    )
  })
}
