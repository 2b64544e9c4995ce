import { DroverError } from '@drover/core'
import { sameName } from '../schema/table.js'

/**
 * What becomes of a row whose key is there already: its record is refused, the row is left out, or replaces all other
 * columns, or those that are named.
 */
export type OnConflict = 'error' | 'skip' | 'update' | { readonly merge: readonly string[] }

/** The same, with the key that decides. */
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

/** @throws `OPTION_INVALID` */
export function checkOnConflict(where: string, onConflict: unknown): void {
  if (onConflict === undefined || onConflict === 'error' || onConflict === 'skip' || onConflict === 'update') return
  const columns = (onConflict as { readonly merge?: unknown } | null)?.merge
  const isList = Array.isArray(columns) && columns.length > 0 && columns.every((name) => typeof name === 'string')
  if (isList && Object.keys(onConflict as object).length === 1) return
  throw new DroverError(
    'OPTION_INVALID',
    `${where}: onConflict is 'error', 'skip', 'update' or { merge: ['column', …] }, not ${JSON.stringify(onConflict)}.`,
  )
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
