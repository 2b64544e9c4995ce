import { DroverError } from '@drover/core'

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

export function conflictPolicy(onConflict: OnConflict, key: readonly string[]): ConflictPolicy {
  if (onConflict === 'error') return { kind: 'error', key: [], columns: [] }
  if (typeof onConflict === 'string') return { kind: onConflict, key, columns: [] }
  return { kind: 'merge', key, columns: onConflict.merge }
}
