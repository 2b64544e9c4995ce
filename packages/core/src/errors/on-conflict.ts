import { shown } from './check-options.js'
import { DroverError } from './drover-error.js'

/**
 * What becomes of a row whose key is there already: its record is refused, the row is left out, or replaces all other
 * columns, or those that are named.
 */
export type OnConflict = 'error' | 'skip' | 'update' | { readonly merge: readonly string[] }

/** Refuses what says nothing about conflicts. */
export function checkOnConflict(where: string, onConflict: unknown): void {
  if (onConflict === undefined || onConflict === 'error' || onConflict === 'skip' || onConflict === 'update') return
  const columns = (onConflict as { readonly merge?: unknown } | null)?.merge
  const isList = Array.isArray(columns) && columns.length > 0 && columns.every((name) => typeof name === 'string')
  if (isList && Object.keys(onConflict as object).length === 1) return
  throw new DroverError(
    'OPTION_INVALID',
    `${where}: onConflict is 'error', 'skip', 'update' or { merge: ['column', …] }, not ${shown(onConflict)}.`,
  )
}
