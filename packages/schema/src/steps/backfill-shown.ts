import type { MigrationBackfill } from '../contracts/backfill.js'

/** What a backfill does, as far as it can be said: the body of a function is its own secret. */
export function backfillShown({ table, sets, set, where, version }: MigrationBackfill): string {
  const values =
    typeof set === 'function'
      ? `${sets.join(', ')} by a function`
      : Object.entries(set)
          .map(([column, sql]) => `${column} = ${sql}`)
          .join(', ')
  const rows = where === undefined ? '' : ` where ${typeof where === 'string' ? where : JSON.stringify(where, exact)}`
  return `UPDATE ${table} SET ${values}${rows}${version === undefined ? '' : ` (version ${version})`}`
}

function exact(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
