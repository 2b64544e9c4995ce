import type { OnConflict } from '@drover/core'
import { sameName } from '../schema/table.js'

export type { OnConflict }

/** What becomes of a row whose key is there already, with the key that decides. */
export interface ConflictPolicy {
  readonly kind: 'error' | 'skip' | 'update' | 'merge'
  /** Empty for `error`, where every unique index decides. */
  readonly key: readonly string[]
  /** For `merge`. */
  readonly columns: readonly string[]
  /**
   * Overrule what the table's own DDL says about conflicts, such as ON CONFLICT REPLACE, which deletes whatever rows stand in
   * the way. It overrules the clauses of triggers too, so it is only said where it has to be.
   */
  readonly isOverruling: boolean
}

/** @param isOverruling Whether the table's own DDL has conflict clauses, or may have some. */
export function conflictPolicy(onConflict: OnConflict, key: readonly string[], isOverruling = true): ConflictPolicy {
  if (onConflict === 'error') return { kind: 'error', key: [], columns: [], isOverruling }
  if (typeof onConflict === 'string') return { kind: onConflict, key, columns: [], isOverruling }
  return { kind: 'merge', key, columns: onConflict.merge, isOverruling }
}

/** Of the columns that a row brings, those that it replaces in a row that is there. */
export function replacedColumns(policy: ConflictPolicy, brought: readonly string[]): readonly string[] {
  const isKey = (name: string): boolean => policy.key.some((one) => sameName(one, name))
  switch (policy.kind) {
    case 'update': {
      const others = brought.filter((name) => !isKey(name))
      // With nothing but the key there is nothing to replace, and the row still counts as updated.
      return others.length > 0 ? others : brought.slice(0, 1)
    }
    case 'merge':
      return brought.filter((name) => policy.columns.some((one) => sameName(one, name)))
    default:
      return []
  }
}
