import type { Migration } from '../contracts/migration.js'

/** Whether it is made like a migration: by `defineMigration` of any copy of the package, or by hand. */
export function isMigration(value: unknown): value is Migration {
  if (typeof value !== 'object' || value === null) return false
  const { id, up } = value as Partial<Record<keyof Migration, unknown>>
  return typeof id === 'string' && typeof up === 'function'
}
