import type { SqliteValue } from '../connection/sqlite-connection.js'

/** A piece of SQL with a `?` for each of its values. */
export interface Sql {
  readonly sql: string
  readonly values: readonly SqliteValue[]
}

/** All of the conditions; `1` if there are none. */
export function allOfSql(conditions: readonly (Sql | null | undefined)[]): Sql {
  const given = conditions.filter((condition) => condition !== null && condition !== undefined)
  return {
    sql: given.map(({ sql }) => `(${sql})`).join(' AND ') || '1',
    values: given.flatMap(({ values }) => values),
  }
}

/** Pieces one behind the other. */
export function joinSql(pieces: readonly Sql[], separator: string): Sql {
  return { sql: pieces.map(({ sql }) => sql).join(separator), values: pieces.flatMap(({ values }) => values) }
}
