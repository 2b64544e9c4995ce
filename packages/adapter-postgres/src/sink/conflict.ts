import type { OnConflict } from '@drover/core'

export type { OnConflict }

/** What becomes of a row whose key is there already, with the key that decides. */
export interface ConflictPolicy {
  readonly kind: 'error' | 'skip' | 'update' | 'merge'
  /** Empty for `error`, where every unique index decides. */
  readonly key: readonly string[]
  /** For `merge`. */
  readonly columns: readonly string[]
}

export function conflictPolicy(onConflict: OnConflict, key: readonly string[]): ConflictPolicy {
  if (onConflict === 'error') return { kind: 'error', key: [], columns: [] }
  if (typeof onConflict === 'string') return { kind: onConflict, key, columns: [] }
  return { kind: 'merge', key, columns: onConflict.merge }
}
